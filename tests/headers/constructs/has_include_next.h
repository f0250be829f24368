#if defined(__has_include_next)
#if __has_include_next(<no_such.h>)
#include_next <no_such.h>
#endif
#endif
struct s { int a; };
