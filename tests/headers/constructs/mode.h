typedef int word __attribute__((mode(DI)));
struct s { word a; int b; };
