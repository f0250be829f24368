typedef float v4 __attribute__((vector_size(16)));
struct s { v4 a; int b; };
