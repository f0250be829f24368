#define WIDTH (3 + 4)
struct s { int a : WIDTH; int b : 32 - WIDTH; int c : 1; };
