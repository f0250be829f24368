typedef __typeof__(int *) ip;
struct s { ip a; };
