#include <stdint.h>
#include <stddef.h>
#include <limits.h>
enum e1 { E1 = 3, E2 = -4 };
struct s { int a; char b[12]; struct { short x; } in; };
extern int fn(int); extern unsigned ufn(unsigned char); extern struct s *gs(void); extern char cfn(int);
#define STR(x) #x
#define XSTR(x) STR(x)
#define VER XSTR(1.2.3)
#define CAT(a,b) a##b
#define ONE2 CAT(1,2)
#define LINE_NO __LINE__
#define FILE_N __FILE__
#define COUNT __COUNTER__
#define DATE_N __DATE__
#define DO(x) do { fn(x); } while (0)
#define SE ({ int a = 3; a; })
#define CL ((struct s){.a = 4})
#define CLI ((int){5})
#define GEN(x) _Generic((x), int: 1, long: 2, default: 3)
#define G1 GEN(1L)
#define G2 GEN('a')
#define CHR 'a'
#define CHRN '\377'
#define CHRW L'\xffff'
#define CHRU u'x'
#define CHRUU U'\x1F600'
#define CHRHI '\x80'
#define U8S u8"grüße"
#define S16 u"abc"
#define S32 U"abc"
#define WS L"wide\x20ac"
#define S0 "abc\0def"
#define SCAT "a" "b" "\x41" "f"
#define SOCT "\1234"
#define SHEX "\x41" "42"
#define SUNI "\u20ac"
#define NEG -1
#define NEGU -1u
#define NEGUL (-1UL)
#define MINI INT_MIN
#define MINL LONG_MIN
#define SHL (1 << 31)
#define SHLU (1u << 31)
#define SHR (-8 >> 1)
#define SHLL (1LL << 63)
#define DIVN (-7 / 2)
#define MODN (-7 % 3)
#define OCT 0777
#define BIN 0b1011
#define HEXF 0x1.8p3
#define SEP 1.5e-3f
#define LD 1.1L
#define FLT 3.4028234e38f
#define INFV __builtin_inf()
#define NANV __builtin_nan("")
#define HUGE_ 1e400
#define CASTC ((char)200)
#define CASTUC ((unsigned char)-1)
#define CASTS (short)40000
#define CASTB ((_Bool)7)
#define CASTF ((float)0.1)
#define CASTI ((int)3.9)
#define CASTIN ((int)-3.9)
#define CASTP ((void *)0)
#define CASTP1 ((void *)-1)
#define SZ sizeof(struct s)
#define SZA sizeof(int[3])
#define SZE sizeof(((struct s *)0)->b)
#define OFF offsetof(struct s, in.x)
#define OFF2 __builtin_offsetof(struct s, b[3])
#define ALN _Alignof(double)
#define TERN (1 ? 2 : 3u)
#define TERN2 (sizeof(1 ? 0 : 1L))
#define COMMA (1, 2)
#define ENUMV (E1 | 8)
#define ENUMN E2
#define LOGIC (3 && 0 || 1)
#define NOTV !5
#define TILDE ~0u
#define TILDEL ~0UL
#define BIG 18446744073709551615u
#define BIGL 9223372036854775808
#define MAXU UINT_MAX
#define CMP (-1 < 1u)
#define CMPL (-1L < 1u)
#define UMUL (65535 * 65537u)
#define PROMO ((unsigned char)255 + (unsigned char)1)
#define USH ((unsigned short)65535 << 15)
#define TC __builtin_types_compatible_p(int, signed)
#define CP __builtin_constant_p(3)
#define BSWAP __builtin_bswap32(0x01020304)
#define POP __builtin_popcount(0xff)
#define CLZ __builtin_clz(1)
#define STRL (sizeof "abc")
#define STRLE __builtin_strlen("hello")
#define STRI "abc"[1]
#define ADDR (&gs()->a)
#define ADR0 ((size_t)&((struct s *)0)->b)
#define FNP fn
#define FNA &fn
#define ALIAS_T struct s
#define ALIAS_I unsigned int
#define EMPTYM
#define ATTR __attribute__((packed))
#define SELF SELF
#define SELF2 (SELF2 + 1)
#define KW int
#define SEMI 3;
#define BRACE { 1, 2 }
#define OPENP (
#define VAR(...) fn(__VA_ARGS__)
#define F_ADD(a,b) a + b
#define F_ADDP(a,b) ((a) + (b))
#define F_MULBAD(a,b) a * b
#define F_SHR(a) ((a) >> 1)
#define F_U(a) ((a) * 1u)
#define F_C(a) ((char)(a))
#define F_T(a) ((a) ? 1 : -1u)
#define F_CALL(a) fn((a) + 1)
#define F_CALLU(a) ufn(a)
#define F_MEM(p) ((p)->a)
#define F_MEM2(p) ((p)->in.x)
#define F_SZ(a) sizeof(a)
#define F_TWICE(a) ((a) + (a))
#define F_CHAR(a) ((a) + 'a')
#define F_STRCAT(a) a "suffix"
#define F_NEG(a) (-a)
#define F_AND(a) ((a) & ~7)
#define F_ALIGN(a,b) (((a) + (b) - 1) & ~((b) - 1))
#define F_MAX(a,b) ((a) > (b) ? (a) : (b))
#define F_MOD(a) ((a) % 3)
#define F_DIV(a) ((a) / -2)
#define F_FD(a) ((a) / 2.0f)
#define F_FF(a) ((float)(a) * 0.1f)
#define F_L(a) (0x80000000 + (a))
#define F_64(a) ((uint64_t)(a) << 40)
#define F_I8(a) ((int8_t)((a) * 50))
#define F_COM(a,b) ((a), (b))
#define F_ASSIGN(a) (a = 3)
#define F_INC(a) (a++)
#define F_NOT(a) (!(a))
#define F_LNOT(a) (!!(a) == 1)
#define F_CMPC(a,b) (((a) > (b)) - ((a) < (b)))
#define F_ADDR(a) (&(a))
#define F_DEREF(a) (*(a))
#define F_GEN(a) _Generic((a), int: 10, default: 20)
#define F_TYP(t) sizeof(t)
#define F_CAST(t, a) ((t)(a))
#define F_EXP(a) __builtin_expect(!!(a), 1)
#define F_BSW(a) __builtin_bswap32(a)
#define F_NOARG() 42
#define F_LINE(a) ((a) + __LINE__)
#define F_CNT(a) ((a) + __COUNTER__)
#define F_ENUM(a) ((enum e1)(a))
#define F_BOOL(a) ((_Bool)(a))
#define F_ELVIS(a,b) ((a) ?: (b))
#define F_OVER(a) ((a) * 1000000000)
#define F_U8(a) ((uint8_t)(a) + 1)
#define F_CFN(a) cfn(a)
#define F_MIXED(a,b) a, b
#define F_PAST(a) a##u
#define F_LSH(a) (1 << (a))
#define F_ULSH(a) (1UL << (a))
