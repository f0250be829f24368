static const struct { int a, b; } pair = { .b = 2, a: 1 };
static const int range[] = { [0 ... 3] = 7 };
struct s { char a[sizeof range]; };
