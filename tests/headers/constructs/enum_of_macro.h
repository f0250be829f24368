#define PREFIX(val) (val << 3)
enum { A = PREFIX(2) };
struct s { char a[A]; };
