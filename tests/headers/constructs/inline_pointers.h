struct node { struct node *next; long value[3]; };
static inline struct node *second(struct node *first) { return first + 1; }
static inline long address(char *p) { return (long)(p + 8); }
static inline int is_null(const void *p) { return p == 0; }
