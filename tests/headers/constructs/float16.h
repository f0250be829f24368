_Float16 half(_Float16 a);
struct s { int a; };
