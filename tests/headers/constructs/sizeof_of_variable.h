extern int table[10];
#define N (sizeof(table) / sizeof(table[0]))
struct s { char a[N]; };
