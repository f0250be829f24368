#define GONE 1
#undef GONE
#define TWICE 1
#undef TWICE
#define TWICE 2
struct s { char a[TWICE]; };
