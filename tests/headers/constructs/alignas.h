#include <stdalign.h>
typedef struct { int a; alignas(64) int b[8]; _Alignas(double) char c; } s;
