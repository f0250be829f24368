#define A 10UL
#define B 0b11
#define C 0x80000000
#define D -0x80000000
#define E 4294967296
#define F 0777
#define G (1 << 31)
#define H (1u << 31)
struct s { int a; };
