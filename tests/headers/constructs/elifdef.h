#ifdef NO
struct s { long a; };
#elifdef __GNUC__
struct s { int a; };
#endif
