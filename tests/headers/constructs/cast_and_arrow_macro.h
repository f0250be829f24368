struct foo { int bar; };
#define GET_BAR(x) (((struct foo *)(x))->bar)
struct s { int a; };
