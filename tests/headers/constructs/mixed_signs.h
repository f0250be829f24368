#define MIXED (1 ? -1 : 1u)
#define LESS (-1 < 0u)
struct s { char a[LESS + 1]; };
