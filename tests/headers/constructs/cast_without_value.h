typedef unsigned char xmlChar;
#define BAD_CAST (xmlChar *)
#define TO_X (unsigned long long)(unsigned long)
struct s { int a; };
