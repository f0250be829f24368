#define kind(x) _Generic((x), int: 1, default: 0)
struct s { int a; };
