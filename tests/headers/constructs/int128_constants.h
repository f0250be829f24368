#define BIG ((__int128)5 << 70 | 9)
static const unsigned __int128 LARGE = (unsigned __int128)5 << 70 | 9;
struct s { int a; };
