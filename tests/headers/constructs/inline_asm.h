__attribute__((always_inline)) static inline void nop(void) { __asm volatile ("nop" ::: "memory"); }
struct s { int a; };
