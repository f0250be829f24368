#define STR(x) #x
#define THREE STR(3)
struct s { char a[sizeof THREE]; };
