#ifdef __has_include
# if __has_include ("no_such.h")
#  include "no_such.h"
# elif __has_include(<stdio.h>)
struct s { int a; };
# endif
#endif
