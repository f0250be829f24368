#if __STDC_VERSION__ > 202000L
typedef __typeof__(nullptr) nullptr_t;
#endif
struct s { int a; };
