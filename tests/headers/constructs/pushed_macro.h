#define LEVEL 1
#define SAME LEVEL
#pragma push_macro("LEVEL")
#define LEVEL 2
#pragma pop_macro("LEVEL")
