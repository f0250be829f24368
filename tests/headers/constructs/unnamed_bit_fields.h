typedef int int_t; struct s { int_t a : 4; int : 32; int : 32; int_t b : 3; };
