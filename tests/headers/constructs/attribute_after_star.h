typedef float * __attribute__((unused)) fp;
unsigned int __attribute__((unused)) dummy;
struct s { fp a; int __attribute__((aligned(16))) b; };
