#include <wchar.h>
enum of_char : char { MINUS = -1, LETTER = 'x' };
enum of_wchar : wchar_t { BELOW = -2 };
enum of_bool : _Bool { OFF, ON };
struct s { enum of_char a; enum of_char b : 4; enum of_wchar c; enum of_bool d; };
