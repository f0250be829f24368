static const unsigned INVALID = -1;
struct s { int a; };
