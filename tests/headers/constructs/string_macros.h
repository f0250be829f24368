#define PRE "before"
#define POST " after"
#define PREPOST PRE POST
char c[] = PRE POST;
struct s { char x[sizeof(PREPOST)]; };
