#if 0b11 == 3
struct s { char a[0b101]; };
#endif
