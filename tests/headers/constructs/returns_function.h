void (*set(int sig, void (*func)(int)))(int);
int (*(*rows)(void))[3];
struct s { int a; };
