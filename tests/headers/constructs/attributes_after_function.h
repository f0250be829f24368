void *f(const void *a, int n) __attribute__((nonnull(1))) __attribute__((alloc_size(2)));
extern int buf[8] __attribute__((section(".foo.bar")));
struct s { int a; };
