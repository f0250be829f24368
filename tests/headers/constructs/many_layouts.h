#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
/* layouts */
struct anon_bits { union { struct { unsigned a:3, b:5; unsigned :0; unsigned c:7; }; uint64_t whole; struct { uint8_t x:1; uint16_t y:9; } named; }; char tail; };
struct flex_item { short n; char data[]; };
struct flex_of { int count; struct { uint8_t k; uint32_t v; } items[]; };
struct zero { int n; struct flex_item z[0]; };
struct empty {};
struct with_empty { char a; struct empty e; int b; };
union u_bits { int a:5; unsigned long long b:40; char c; };
struct big_bits { uint64_t a:33; uint64_t b:31; uint8_t c:1; uint64_t d:63; };
struct bool_bits { _Bool a:1; bool b:1; int c:1; char d:2; };
struct __attribute__((packed)) packed_bits { uint8_t a:3; uint32_t b:30; uint16_t c; uint64_t d:5; };
struct packed_member { char a; int b __attribute__((packed)); long c; };
struct __attribute__((packed, aligned(4))) pa { char a; long b; };
struct aligned_member { char a; char b __attribute__((aligned(32))); };
typedef int lint __attribute__((aligned(1)));
struct low { char a; lint b; char c; };
typedef int hint_t __attribute__((aligned(16)));
struct high { char a; hint_t b; };
typedef double ld_arr[3];
struct arr2 { ld_arr a[2]; char b[2][3][4]; };
enum __attribute__((packed)) small { S_A, S_B = 200 };
enum big_e { B_A = 1, B_B = 0x1ffffffffLL };
enum neg { N_A = -1, N_B = 0x7fffffff };
enum mixed { M_A = 0xffffffffu, M_B = 2 };
struct enums { enum small s; enum big_e b; enum neg n; enum mixed m; enum small bit:3; };
struct ms __attribute__((ms_struct));
struct ms { char a:3; int b:3; short c:4; } __attribute__((ms_struct));
#pragma pack(push, 2)
struct pp { char a; int b; double c; struct { char x; long y; } in; };
#pragma pack(pop)
struct fns { int (*(*f)(int))(char); void (*arr[3])(void); int (**pp)(void); int (*(*fa)[4])(long); };
struct cplx { float _Complex a; char b; double _Complex c; long double ld; long double _Complex lc; };
typedef int v4 __attribute__((vector_size(16)));
struct vec { char a; v4 b; int c; };
struct i128 { char a; __int128 b; unsigned __int128 c; };
struct at { _Atomic int a; _Atomic(long) b; _Atomic char c; };
struct vol { volatile int a; const volatile char *const b; int *restrict c; };
struct tr { __typeof__(((struct vol *)0)->a) a; __typeof__(struct at) b; };
struct selfarr { struct selfarr *a[4]; struct fwd *b; union { struct selfarr *x; int y; } u[2]; };
struct nested { struct inner { char a; struct inner2 { short q:3; short r; } b; } x; struct inner2 y; };
struct trail { char a; long b:8; };
struct trail2 { int a:8; char b; short c; };
struct unn { int :8; int a:8; };
struct unn2 { char c; int :0; char d; };
struct unn3 { char c; long :5; };
struct unn4 { long :40; char c; };
union packedu { char a; long b __attribute__((packed)); };
union emptyu {};
struct wchar_s { wchar_t a; wchar_t b[3]; };
struct ptrs { void *a; char **b; void (*c)(void); intptr_t d; size_t e; ptrdiff_t f; };
struct tag_and_td { int a; }; typedef struct tag_and_td2 { long b; } tag_and_td;
typedef struct { int a; } *only_ptr; typedef union { int a; char b[7]; } uu_t, *uu_p;
struct al_bit { int a:4 __attribute__((aligned(8))); int b:4; };
struct large_arr { char x[0x10000]; int y; };
struct mode { int a __attribute__((mode(QI))); int b __attribute__((mode(DI))); unsigned c __attribute__((mode(HI))); };
struct byval { struct pp p; struct nested n; char c; };
typedef struct byval byval_arr[2];
struct byval_use { char a; byval_arr b; };
extern _Thread_local int tls_var;
extern int plain_var, arr_var[5];
extern int asm_named(int) __asm__("other_name");
extern int weak_fn(int) __attribute__((weak));
int (*ret_fn(int a))(double);
int kr();
int vla(int n, double m[n][n], char s[static 4], int (*q)[n]);
void noreturn_fn(void) __attribute__((noreturn));
_Noreturn void nr2(void);
int fa(int a[const 5], void f(int), char *const argv[]);
void big(struct byval v, union u_bits u, enum small s, _Bool b, char c, float f, long double l);
struct byval retb(void);
unsigned char ruc(signed char, unsigned short, short);
static inline int inl(int a) { return a * 3 + 1; }
static inline unsigned inlu(unsigned a) { return a >> 1; }
static inline unsigned char inlc(int a) { return a; }
static inline int inl2(int a) { int b = a; return b; }
static inline long inl3(char a) { return a << 1; }
static inline float inlf(int a) { return a / 3; }
static inline _Bool inlb(int a) { return a; }
static inline int inld(double a) { return a; }
static inline int inlnarrow(unsigned char a) { return a + 1; }
static inline int inlsh(short a, short b) { return a * b; }
static inline int64_t inl64(int a) { return (int64_t)a << 33; }
static inline int uns(unsigned a) { return -a / 2; }
static const int CONST_I = 7; static const double CONST_D = 2.5; static const char CONST_S[] = "abc";
static const unsigned char CUC = 300; static const char CC = 200; static const float CF = 0.1f;
static const int CARR[] = {1,2,3};
extern const int EXT_C;
const char *const CSP = "pointer";
static const long long CLL = -1LL; static const uint64_t CU64 = -1; static const _Bool CB = 5;
static const struct tag_and_td CST = {3};
_Static_assert(sizeof(int) == 4, "x");
