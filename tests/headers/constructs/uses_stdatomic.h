#include <stdatomic.h>
struct s { atomic_int a; };
