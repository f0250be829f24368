[[nodiscard]] int f(void);
struct s { int a; };
