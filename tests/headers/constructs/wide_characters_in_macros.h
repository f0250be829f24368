#define IS_EURO(x) ((x) == L'\x20ac')
#define IS_SMILE(x) ((x) == U'\x1F600')
#define IS_ACCENT(x) ((x) == L'é')
#define LESS(x) ((x) - U'a' < 0)
#define BEFORE(x) ((x) + L'\xffffffff')
struct s { int a; };
