// <stdarg.h>: the type. A va_list argument is a pointer.
#ifndef EPY_STDARG_H
#define EPY_STDARG_H

typedef __builtin_va_list va_list;
typedef __builtin_va_list __gnuc_va_list;
#define __GNUC_VA_LIST 1

#endif
