#include <stdarg.h>
struct s { va_list a; int b; };
