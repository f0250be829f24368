typedef char check[__builtin_types_compatible_p(int, int) ? 1 : -1];
struct s { int a; };
