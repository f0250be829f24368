#define ONE 1
#define TWO \
    2
struct s { char a[ONE + TWO]; };
