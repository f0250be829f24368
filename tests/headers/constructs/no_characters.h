#define BEYOND "\U00110000"
#define HALF "\ud800"
#define WIDE L"\x7fffffff"
#define WIDE_HALF L"\xd800"
struct s { int a; };
