struct s { int a; };
extern __typeof__(struct s) *last;
