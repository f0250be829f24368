static inline int twice(int a) { return 2 * a; }
struct s { int a; };
