static const int table[] = {1, 2, 3};
#define COUNT (sizeof table / sizeof table[0])
struct s { char a[COUNT]; };
