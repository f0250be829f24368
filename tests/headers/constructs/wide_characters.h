#include <wchar.h>
#define EURO L'\x20ac'
#define SIGN L"\x20ac"
#define LETTER u'a'
struct s { wchar_t a; };
