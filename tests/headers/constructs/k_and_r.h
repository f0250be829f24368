int f();
static int g(a, b) int a; char *b; { return a; }
struct s { int (*cb)(); };
