#define F(n, ...) int n(int __VA_OPT__(,) __VA_ARGS__);
F(f)
F(g, char)
struct s { int a; };
