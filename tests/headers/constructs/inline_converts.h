#include <stdint.h>
static inline unsigned char low(int a) { return a * 300; }
static inline _Bool any(int a) { return a; }
static inline float third(int a) { return a / 3; }
static inline int whole(double a) { return a; }
static inline int negated(unsigned a) { return -a / 2; }
static inline int narrow(unsigned char a) { return a + 1; }
static inline int product(short a, short b) { return a * 20000 * b; }
static inline int64_t shifted(uint8_t a) { return (int64_t)a << 40; }
enum order { FIRST = 1, SECOND };
static inline enum order next(enum order a) { return a + 1; }
