#ifndef EPY_STDNORETURN_H
#define EPY_STDNORETURN_H

#define noreturn _Noreturn

#endif
