"""What `epy.header` understands: constants, macros, GNU C, and what it says of bad input."""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path
from typing import Any

import pytest

import epy

CONSTANTS = [
    ("42", 42),
    ("0x7fffffff", 0x7FFFFFFF),
    ("0xffffffff", 0xFFFFFFFF),
    ("0xffffffff + 1", 0),
    ("0x7fffffff + 0", 0x7FFFFFFF),
    ("4294967296", 4294967296),
    ("017", 15),
    ("10UL", 10),
    ("~0UL", 2**64 - 1),
    ("~0u", 2**32 - 1),
    ("-1", -1),
    ("-1U", 2**32 - 1),
    ("1 << 31", -(2**31)),
    ("1u << 31", 2**31),
    ("1 << 31 >> 31", -1),
    ("-7 / 2", -3),
    ("-7 % 2", -1),
    ("7.0 / 2", 3.5),
    ("1e3", 1000.0),
    ("1.5f", 1.5),
    ("0x1p-3", 0.125),
    ("'a'", 97),
    ("'\\n'", 10),
    ("'\\xff'", -1),
    ("'\\0'", 0),
    ('"text"', b"text"),
    ('"one" "two"', b"onetwo"),
    ('"a\\tb\\x41\\101\\\\"', b"a\tbAA\\"),
    ('L"wide"', "wide"),
    ("(unsigned char)300", 44),
    ("(signed char)200", -56),
    ("(unsigned long)-1", 2**64 - 1),
    ("(_Bool)5 + 1", 2),
    ("((void *)0)", 0),
    ("((fn)-1)", 2**64 - 1),
    ("(double)1 / 4", 0.25),
    ("1 ? 2 : 3", 2),
    ("1 && 0 || 1", 1),
    ("!5", 0),
    ("-1 < 0u", 0),
    ("-1 < 0", 1),
    ("3 == 3 && 2 != 1", 1),
    ("6 & 3 | 8 ^ 1", 11),
    ("sizeof(long) * 2", 16),
    ("sizeof(struct s)", 16),
    ("_Alignof(struct s)", 8),
    ("offsetof(struct s, b)", 8),
    ('sizeof "abc"', 4),
    ("RED + BLUE", 7),
    ("OTHER(3) + 1", 10),
]


@pytest.mark.parametrize(("expression", "value"), CONSTANTS)
def test_a_macro_has_the_value_that_c_gives_it(expression: str, value: Any) -> None:
    host = epy.header(f"""
#include <stddef.h>
struct s {{ char a; long b; }};
typedef void (*fn)(void *);
enum {{ RED, GREEN = 5, BLUE = RED + GREEN + 2 }};
#define OTHER(x) ((x) * (x))
#define IT {expression}
""")
    assert host.IT == value
    assert type(host.IT) is type(value)


def test_a_macro_with_arguments_is_a_function() -> None:
    host = epy.header("""
#define VERSION(major, minor) (((major) << 16) | (minor))
#define REGISTRY (-1000000 - 1000)
#define UPVALUE(i) (REGISTRY - (i))
#define HALF(x) ((x) / 2)
#define IS(lambda) ((lambda) == 3)
#define NOTHING() 5
""")
    assert host.VERSION(3, 4) == 0x30004
    assert host.UPVALUE(1) == -1001001
    assert (host.HALF(-7), host.HALF(7.0)) == (-3, 3.5)
    assert host.IS(3) == 1
    assert host.NOTHING() == 5


def test_numbers_in_all_spellings() -> None:
    host = epy.header("""
#define JOIN(a, b) a##b
#if 10ULL > 9L && 0x10uLL == 16 && 'a' == 97
enum big { WIDE = 1ULL << 40, HEX = 0xffLL, OCTAL = 017l, JOINED = JOIN(2, UL) };
double table[(int)1.5e+1], other[(int)0x1p4], third[(int).5e1];
#endif
#define MACRO 3ULL
""")
    assert (host.WIDE, host.HEX, host.OCTAL, host.JOINED, host.MACRO) == (1 << 40, 255, 15, 2, 3)
    declared = host._declarations.names
    assert [declared[name][1][2] for name in ("table", "other", "third")] == [15, 16, 5]


def test_lines_are_counted_through_comments_and_continuations() -> None:
    with pytest.raises(epy.HeaderError, match=r"^<text>:10: .* in `int broken\(unknown a\);`"):
        epy.header("""/* of
two lines */ int a; // int b \\
    unknown of_the_comment;
#define LONG(x) \\
    (x + \\
     1)
static const char text[] = "in \\
two lines";
int c; /**/
int broken(unknown a);
""")


def test_the_garbage_collector_is_as_it_was() -> None:
    assert gc.isenabled()
    epy.header("int f(void);")
    assert gc.isenabled()
    with pytest.raises(epy.HeaderError):
        epy.header("int f(;")
    assert gc.isenabled()


def test_an_alias_is_what_it_stands_for() -> None:
    host = epy.header("""
struct old { int a; };
typedef struct old old_t;
enum { FIRST = 4 };
static const int FIXED = 12;
#define new_t old_t
#define SECOND FIRST
""")
    assert host.new_t is host.old_t is host.old is host.struct.old
    assert (host.SECOND, host.FIXED) == (4, 12)


def test_tag_and_typedef_of_one_name_are_two() -> None:
    host = epy.header("struct x { int a; }; typedef long x; x f(struct x *p);")
    assert host.x is ctypes.c_long
    assert ctypes.sizeof(host.struct.x) == 4


def test_an_enum_as_a_class() -> None:
    host = epy.header("enum a { p, q = 5 }; typedef enum { r } b; typedef int number;")
    assert list(host.enum.a.__members__.items()) == [("p", 0), ("q", 5)]
    assert (repr(host.enum.a(5)), host.enum.a.q == host.q) == ("<a.q: 5>", True)
    assert list(host.enum.b) == [host.r]
    with pytest.raises(epy.HeaderNameError, match="no enum number"):
        _ = host.enum.number


def test_enums_are_integers_of_their_size() -> None:
    host = epy.header("enum a { p, q }; enum b { m = -1, n }; enum c { huge = 0x1ffffffff };")
    assert (host.p, host.q, host.m, host.n, host.huge) == (0, 1, -1, 0, 0x1FFFFFFFF)
    for made, ctype in zip(
        (host.struct.a, host.struct.b, host.struct.c),
        (ctypes.c_uint, ctypes.c_int, ctypes.c_ulong),
        strict=True,
    ):
        assert issubclass(made, ctype)


def test_pointers_have_the_types_of_ctypes() -> None:
    host = epy.header("""
#include <stdint.h>
#include <stdarg.h>
#include <wchar.h>
typedef char gchar;
typedef void (*f)(const gchar *, void *, wchar_t *, uint8_t *, char **, int[4], int (int), va_list);
""")
    text, data, wide, octets, texts, numbers, function, arguments = host.f._argtypes_
    assert issubclass(text, ctypes.c_char_p)
    assert (data, wide) == (ctypes.c_void_p, ctypes.c_wchar_p)
    assert octets._type_ is ctypes.c_ubyte
    assert texts._type_ is ctypes.c_char_p
    assert numbers._type_ is ctypes.c_int
    assert function._argtypes_ == (ctypes.c_int,)
    assert ctypes.sizeof(arguments) == 8


GNU = {
    "extension": "__extension__ typedef long long wide; wide f(void);",
    "attributes": "extern int f(const char *, ...) __attribute__((format(printf, 1, 2), nonnull));"
    "int g(void) __attribute__((__warn_unused_result__)) __attribute__((pure));",
    "attribute_first": '__attribute__((visibility("default"))) int f(int a '
    "__attribute__((unused)));",
    "asm_label": 'int f(int) __asm__("other");',
    "inline_body": 'static inline int g(int a) { if (a) { return 1; } return "}"[0]; } '
    "int f(void);",
    "gnu_inline": "extern __inline__ __attribute__((__gnu_inline__)) int g(void) { return 1; }\n"
    "int f(void);",
    "int128": "typedef __int128_t big; typedef unsigned __int128 ubig; int f(big *);",
    "float128": "_Float128 g(_Float128); __float128 h(void); int f(_Float64x a, _Float32 b);",
    "va_list": "int f(const char *, __builtin_va_list);",
    "restrict": "int f(char *__restrict a, const int *__restrict__ b, char *restrict c);",
    "volatile": "int f(__volatile__ int *a, __const char *b, __signed__ char c);",
    "has_builtin": "#ifdef __has_builtin\n#define has __has_builtin\n#else\n#define "
    "has(x) 0\n#endif\n"
    "#if !has(__builtin_expect)\n#error\n#endif\nint f(void);",
    "has_include": "#if defined(__has_include) && __has_include(<stdint.h>) && "
    '!__has_include("no.h")\n'
    "int f(void);\n#endif",
    "bad_paste": "#define bad(x) ## x\n#define worse a ##\nint f(void);",
    "function_typedef": "typedef int fn(int, char *); fn f;",
    "pointer_to_function_typedef": "typedef int fn(int); int g(fn *a, fn b); fn f;",
    "noreturn": "_Noreturn void g(void); int f(void) __attribute__((noreturn));",
    "static_assert": '_Static_assert(sizeof(int) == 4, "int"); int f(void);',
    "thread": "extern __thread int errno_like; int f(void);",
    "pragmas": '#pragma GCC diagnostic push\n_Pragma("GCC diagnostic ignored")\nint f(void);\n'
    "struct s {\n#pragma mark x\nint a; };",
    "deprecated_enumerator": "enum e { A __attribute__((deprecated)) = 3, B }; int f(enum e);",
    "typeof": "#define same(x) ({ __typeof__(x) y = (x); y; })\nint f(void);",
    "nested_function_pointers": "int (*f(int (*a)(int (*)(void))))(int);",
    "line_continuation": "int f(int a, \\\n    int b);",
    "cplusplus": '#ifdef __cplusplus\nextern "C" {\n#endif\nint f(void);\n#ifdef '
    "__cplusplus\n}\n#endif",
    "empty_declarations": ";;int f(void);;",
    "bit_field_of_typedef": "typedef unsigned int u; struct s { u a : 3, : 2, b : 1; }; int "
    "f(struct s *);",
    "system": "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <math.h>\n"
    "#include <unistd.h>\n#include <pthread.h>\n#include <sys/socket.h>\nint f(FILE *);",
}


@pytest.mark.parametrize("case", GNU)
def test_gnu_c_is_understood(case: str) -> None:
    host = epy.header(GNU[case] + "\n")
    assert isinstance(host.f, type(host.function("f")))
    host._classes.make(("*", host._function_type("f", None)))


def test_an_include_inside_an_enum(tmp_path: Path) -> None:
    (tmp_path / "items.def").write_text("ITEM(one)\nITEM(two)\n")
    host = epy.header(
        '#define ITEM(x) item_##x,\nenum items {\n#include "items.def"\nlast };\n',
        include=[tmp_path],
    )
    assert (host.item_one, host.item_two, host.last) == (0, 1, 2)


def test_what_epy_has_of_the_standard_library_needs_no_other(tmp_path: Path) -> None:
    names = "stddef stdint stdarg stdbool limits float stdalign stdnoreturn".split()
    host = epy.header(
        "".join(f"#include <{name}.h>\n" for name in names)
        + "struct s { size_t a; bool b; int8_t c; ptrdiff_t d; uintmax_t e; max_align_t f; };\n"
    )
    assert ctypes.sizeof(host.s) == 64
    assert (host.INT64_MIN, host.UINT32_MAX, host.CHAR_BIT) == (-(2**63), 2**32 - 1, 8)
    assert host.DBL_MAX == pytest.approx(1.7976931348623157e308)
    assert host.SIZE_MAX == 2**64 - 1


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("static inline int f(int a) { a++; return a; }", "f", "is an inline function"),
        ("static const int f[2] = {1, 2};", "f", "is a static variable, which no library has"),
        ("#define call(x) other(x)", "call", "is a macro with arguments that calls other"),
        ("#define block(x) do { x; } while (0)", "block", "is a macro with arguments that"),
        ("#define nothing", "nothing", "is a macro that is empty"),
        ("#define zero (1 / 0)", "zero", "is a macro that divides by zero"),
        ("typedef float v __attribute__((vector_size(16)));", "v", "the attribute vector_size"),
        ("__int128 f(void);", "f", "f: the result: __int128: 128-bit integers are not supported"),
        (
            "int f(int a, long double _Complex b);",
            "f",
            "f: parameter 2: long double _Complex is not supported: use void",
        ),
        ("int f(struct gone a);", "f", "f: parameter 1: gone has no definition"),
        ("struct s { struct t a; };", "s", "incomplete type 'struct t'.* in `struct s"),
        ("struct s { int a[-1]; };", "s", "an array with a negative size"),
        ("struct s { char a : 9; };", "s", r"width of bit-field 'a' \(9 bits\) exceeds"),
        ("enum e { a = b };", "a", "use of undeclared identifier 'b'"),
        (
            "struct s { int a; struct stat b; };\nint f(void);",
            "s",
            "incomplete type 'struct stat'.*: include what declares 'struct stat' before",
        ),
    ],
)
def test_what_cannot_be_expressed_raises_with_the_reason(text: str, name: str, reason: str) -> None:
    host = epy.header(text + "\n")
    with pytest.raises(epy.HeaderNameError, match=reason) as raised:
        found = getattr(host, name)
        found()
    assert isinstance(raised.value, AttributeError)


def test_a_misspelt_name_gets_near_ones() -> None:
    host = epy.header("int register_format(int a);\n#define REGISTER_ALL 1\n")
    with pytest.raises(epy.HeaderNameError, match=r"did you mean register_format\?"):
        host.registerformat  # noqa: B018


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int a;\nint f(void;\n", r"<text>:2: does not parse .* in `int f\(void;`: .*include="),
        (
            "typedef int t;\nint f(t x, u y);\n",
            r"<text>:2: the type 'u' is not declared in `int f\(t x, u y\);`: .*typedef \.\.\. u;",
        ),
        ('#include "no.h"\n', r"<text>:1: header 'no.h' not found in `#include .*include= or"),
        ("#if NEED\n#else\n#error set NEED\n#endif\n", r"<text>:3: #error set NEED .*define= or"),
        ("#if 1\nint f(void);\n", r"<text>:1: .*unterminated conditional directive"),
        ("#define\nint f(void);\n", r"<text>:1: does not preprocess .* in `#define`"),
        ("int f(void);\n}\n", r"<text>:2: does not parse \(extraneous closing brace .* in `}`"),
        ("int f(void)\n", r"<text>:\d: does not parse"),
        ("int x = `;\n", r"<text>:1: does not parse"),
    ],
)
def test_bad_input_is_shown_with_its_place_and_the_remedy(text: str, message: str) -> None:
    with pytest.raises(epy.HeaderError, match=message) as raised:
        epy.header(text)
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, ValueError)


def test_an_error_in_an_included_header_names_that_header(tmp_path: Path) -> None:
    (tmp_path / "inner.h").write_text("int ok(void);\nint broken(;\nint after(int);\n")
    host = epy.header('#include "inner.h"\n', include=[tmp_path])
    with pytest.raises(epy.HeaderNameError, match=rf"{tmp_path}/inner.h:2: .* in `int broken\(;`"):
        _ = host.broken
    assert (host.ok.__name__, host.after.__name__) == ("ok", "after")  # all else is there


def test_a_header_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "self.h").write_text('#include "self.h"\n')
    with pytest.raises(epy.HeaderError, match="nested too deeply"):
        epy.header("self.h", include=[tmp_path])


def test_a_header_in_another_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.h").write_bytes(b"/* caf\xe9 */ int f(void); // \xff\n")
    assert epy.header("old.h", include=[tmp_path]).f.__name__ == "f"


def test_types_map_typedefs() -> None:
    class Handle(ctypes.c_void_p):
        pass

    host = epy.header(
        "typedef void *handle; struct s { handle h; int (*use)(handle h); };",
        types={"handle": Handle},
    )
    assert host.handle is Handle
    assert host.s().use._argtypes_ == (Handle,)
    assert isinstance(host.s(h=Handle(5)).h, Handle)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ("__int128 a;", "holds what Python cannot (__int128: 128-bit integers are not supported)"),
        ("_Float128 a[1]; int b;", "holds what Python cannot (_Float128: 128-bit floating point"),
        ("struct { __int128 b; } a;", "holds what Python cannot (__int128"),
        ("int a __attribute__((aligned(16)));", "is aligned to 16 bytes"),
        ("float a; float b __attribute__((aligned(8)));", "is aligned to 8 bytes"),
    ],
)
def test_a_struct_whose_way_by_value_is_unknown_is_refused(members: str, reason: str) -> None:
    host = epy.header(f"struct s {{ {members} }}; int by_value(struct s); int at(struct s *);")
    with pytest.raises(epy.SignatureError, match=re.escape(f"is a s by value, which {reason}")):
        host.callback("by_value", lambda value: 0)
    host.callback("at", lambda place: 0)
