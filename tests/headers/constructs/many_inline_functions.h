#include <stdarg.h>
struct tt { char c; __typeof__(int[3]) t; };
typedef int (*fpp(int (*)(char), ...))(long);
fpp retf;
typedef struct opaque_s opaque_t; opaque_t *mk(void);
enum opaque_e; enum opaque_e *oe(void);
void restrict_fn(char *restrict a, const char *__restrict b);
int callback_arr(int (*cb[3])(int));
void va(va_list ap); int vs(const char *f, va_list *ap);
struct has_va { int a; va_list ap; char b; };
struct va_ptr { va_list *p; };
union __attribute__((transparent_union)) tu { int *i; float *f; };
int tuf(union tu x);
struct __attribute__((aligned(64))) al64 { char c; };
struct in64 { char a; struct al64 b; char c; };
struct arr64 { struct al64 x[2]; };
typedef struct { char a; } __attribute__((aligned(8))) al8_t;
struct use8 { char c; al8_t x; };
typedef char pk_t[5]; struct pkarr { char c; pk_t x; short s; };
struct deep { struct { struct { union { int a; struct { char b; unsigned c:4; unsigned d:12; }; }; }; int z; }; };
struct onlybits { unsigned long long a:1, b:62, c:2; };
struct signedness { int a:3; signed int b:3; unsigned c:3; char d:3; signed char e:3; unsigned char f:3; short g:3; long h:40; unsigned long i:24; };
struct __attribute__((packed)) pbits { char a; unsigned b:7; unsigned c:25; unsigned long d:40; char e; };
#pragma pack(1)
struct p1bits { char a; unsigned b:7; unsigned c:26; short d; unsigned e:1; };
#pragma pack()
#pragma pack(push, 4)
struct p4 { char a; long long b; double d; long double e; };
#pragma pack(pop)
struct ldbl { char a; long double b; char c; };
struct bool_arr { _Bool a[3]; char b; };
struct fa1 { int n; char d[]; }; struct fa2 { char c; struct fa1 f; };
struct unsizedfn { void (*f)(); int (*g)(int, ...); };
struct const_bits { const unsigned a:3; volatile unsigned b:5; };
struct atom { _Atomic(struct pair { int a, b; }) p; _Atomic _Bool f; };
extern const char version[]; extern int sized[7]; extern struct fa1 flexv;
extern __thread int tlsv;
static inline char c1(void) { return 'a'; }
static inline const char *str1(void) { return "hi"; }
static inline void *vp(void *p) { return p; }
static inline int cmp(const int *a) { return *a + 1; }
static inline struct al64 *nx(struct al64 *p) { return p + 1; }
static inline unsigned long sz(void) { return sizeof(struct in64); }
static inline int tern(int a) { return a > 0 ? a : -a; }
static inline int tw(int x) { return tern(x) * 2; }
static inline unsigned short us(unsigned short a, int b) { return a << b; }
static inline long sl(int a) { return a * 100000; }
static inline int cm(int a) { return (unsigned char)(a + 1) == 0; }
static inline double dd(float a) { return a * 0.1; }
static inline float ff(float a) { return a * 0.1f + 1; }
static inline float f3(double a, double b) { return a * b; }
static inline int lg(long a) { return a; }
static inline int shr(int a) { return a >> 1; }
static inline unsigned char bb(_Bool a) { return a ? 255 : 256; }
