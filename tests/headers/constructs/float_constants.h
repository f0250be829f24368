#define TENTH 0.1f
#define HALF 0x1p-1
#define LONG 0.1L
struct s { float a; };
