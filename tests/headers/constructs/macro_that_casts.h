#define BYTE(x) ((unsigned char)(x))
#define WORD(high, low) ((unsigned short)(BYTE(high) << 8 | BYTE(low)))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
struct s { char a[LARGER(3, 4)]; };
