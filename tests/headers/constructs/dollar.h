int foo$bar(void);
struct s { int a; };
