const struct { int a, b; } pair = { .b = 2, a: 1 };
const int range[] = { [0 ... 3] = 7 };
struct s { char a[sizeof range]; };
