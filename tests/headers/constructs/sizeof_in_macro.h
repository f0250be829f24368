#define SIZE(x) sizeof(x)
#define INT_SIZE SIZE(int)
struct s { char a[INT_SIZE]; };
