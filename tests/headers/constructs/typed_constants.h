typedef unsigned long flags;
#define ONE ((flags) 0x00000001)
struct s { char a[ONE + 4]; };
