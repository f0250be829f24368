#include <immintrin.h>
struct s { int a; };
