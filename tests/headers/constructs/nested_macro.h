#define full(name) name
#define f full(f)
int f(int);
struct s { int a; };
