/* As OpenSSL's stacks: functions that a macro writes, which other macros call. */
struct stack { int count; };
#define CHECKED(name) \
    static inline const struct stack *check_##name(const struct stack *it) { return it; } \
    static inline int twice_##name(int x) { return 2 * x; }
CHECKED(stack)
#define number(x) (twice_stack(x) + 1)
#define count_of(it) (check_stack(it)->count)
static inline int thrice(int x) { /* ; } */ return twice_stack(x) + x; }
