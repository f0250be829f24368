#define HALF_OF(x) ((x) * 0.5f16)
#define TWICE(x) ((x) * 2.0Q)
#define TURNED(x) ((x) * 1.0i)
struct s { int a; };
