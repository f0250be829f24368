#include <wchar.h>
struct s { char a : 3; wchar_t b : 5; signed char c : 3; unsigned char d : 3; _Bool e : 1; };
