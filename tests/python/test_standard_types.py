"""Type names of C and POSIX, known to C text without #include lines: in headers, in prototypes."""

import ctypes
import re

import pytest

import epy
from epy._c.standard_types import STANDARD

INCLUDES = """
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <uchar.h>
#include <wchar.h>
"""
NOT_NUMBERS = ("void", "__builtin_va_list", "wchar_t", "PyObject")
NUMBERS = [
    name
    for name, text in STANDARD.items()
    if text not in NOT_NUMBERS and not text.endswith(("float", "double", "float128"))
]


def test_sizes_and_signs_are_those_of_the_compiler(compile_c, run) -> None:
    lines = "\n".join(
        f'printf("{name} %zu %d\\n", sizeof({name}), ({name})-1 < 0);' for name in NUMBERS
    )
    program = compile_c(f"#define _GNU_SOURCE\n{INCLUDES}\nint main(void) {{ {lines} }}\n")
    host = epy.header("".join(f"extern {name} v_{name};\n" for name in NUMBERS))
    for line in run(program).stdout.splitlines():
        name, size, signed = line.split()
        ctype = getattr(host, name)
        assert ctypes.sizeof(ctype) == int(size), name
        assert (ctype(-1).value < 0) == (signed == "1"), name


PROTOTYPE = "size_t use(const uint8_t *bytes, bool flag, FILE *file, off_t at, va_list more)"


def test_every_place_that_takes_c_text_knows_the_same_types(build_plugin, compile_c, run) -> None:
    # Long because each place is a line of its script.
    build_plugin(
        f"""
import epy
from ctypes import c_void_p, create_string_buffer
host = epy.header('''
{PROTOTYPE};
typedef struct {{ int a; uint8_t flags; ssize_t size; va_list list; }} item;
int take(item *it, wchar_t c, time_t);
int sizes(size_t, pid_t);
int vsnprintf(char *s, size_t n, const char *format, va_list more);
''')
plain = epy.header("int f(int);")

def use(bytes, flag, file, at, more):
    buffer = create_string_buffer(20)
    host.vsnprintf(buffer, 20, b"%d %s", c_void_p(epy.address(more)))
    assert buffer.value == b"5 five"
    assert flag is True and file and bytes[1] == 98
    return at

host.export(use)
plain.export("{PROTOTYPE.replace("use", "with_header")}")(use)
epy.export("{PROTOTYPE.replace("use", "without")}")(use)

callback = plain.callback("{PROTOTYPE.replace("use", "")}", use)
epy.export_address("by_callback", callback)

@host.export
def take(it, c, now):
    return it.flags + it.size + (c == "x") + now

@host.export
def sizes(a, b):
    return a - b
"""
    )
    functions = ("use", "with_header", "without", "by_callback")
    declarations = "".join(PROTOTYPE.replace("use", name) + ";\n" for name in functions)
    host = compile_c(
        f"""
{INCLUDES}
{declarations}
typedef struct {{ int a; uint8_t flags; ssize_t size; va_list list; }} item;
int take(item *it, wchar_t c, time_t now);
int sizes(size_t, pid_t);
static void call(size_t (*f)(const uint8_t *, bool, FILE *, off_t, va_list), ...) {{
    va_list more;
    va_start(more, f);
    printf("%zu\\n", f((const uint8_t *)"abc", true, stdout, 1L << 40, more));
    va_end(more);
}}
int main(void) {{
    {"".join(f'call({name}, 5, "five");' for name in functions)}
    item it = {{1, 200, 1000}};
    printf("%d %d\\n", take(&it, L'x', 5), sizes(7, -3));
}}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    result = run(host)
    assert result.stdout == f"{1 << 40}\n" * 4 + "1206 10\n", result.stderr


@pytest.mark.parametrize(
    ("text", "name", "size"),
    [
        ("typedef int bool; bool f(bool x);", "bool", 4),
        ("typedef enum { false, true } bool; bool f(void);", "bool", 4),
        ("#define bool unsigned char\nstruct s { bool a; };", "s", 1),
        ("typedef struct { char bytes[3]; } FILE; int f(FILE *, int);", "FILE", 3),
        ("typedef short size_t, *pointer; struct s { size_t a[3]; };", "s", 6),
        ("struct s { int off_t, pid_t; char bool; };", "s", 12),
        ("enum kind { size_t, bool };\nstruct s { int a; };", "s", 4),
        ("int f(int uint, char *time_t);\nstruct s { int a; };", "s", 4),
        ("#include <stdint.h>\nstruct s { uint8_t a; size_t n; };", "s", 16),
        ("typedef uint16_t word; struct s { word a; };", "s", 2),
        ("typedef int (*hook)(size_t, void *); struct s { hook h; };", "s", 8),
        ("struct s { int a; ssize_t (*f)(int, void *, size_t); };", "s", 16),
        ("struct s { int a; ssize_t\n(*f)(int, void *, size_t); };", "s", 16),
        ("struct s { const volatile uint8_t a; unsigned int b : 3; uint8_t *p; };", "s", 16),
    ],
)
def test_a_text_that_declares_the_name_itself_means_its_own(text, name, size) -> None:
    assert ctypes.sizeof(getattr(epy.header(text), name)) == size


def test_py_object_is_an_object() -> None:
    host = epy.header("PyObject *first(PyObject *items);")
    items = [object()]
    function = host.callback("first", lambda items: items[0])
    native = ctypes.CFUNCTYPE(ctypes.py_object, ctypes.py_object)(function.address)
    assert native(items) is items[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int f(foo_t n);", "<text>:1: the type 'foo_t' is not declared in `int f.foo_t n.;`"),
        ("struct a { int x;\n foo_t y; };", "<text>:2: the type 'foo_t' is not declared"),
        ("struct a { foo_t x; int y; };\nstruct b { bar_t y; };", "the type '(foo|bar)_t' is not"),
        ("foo_t f(void);", "the type 'foo_t' is not declared in `foo_t f"),
        ("typedef foo_t *bar;", "the type 'foo_t' is not declared"),
        ("extern const foo_t *list;", "the type 'foo_t' is not declared"),
        ("int f(const foo_t *);", "the type 'foo_t' is not declared"),
        ("int f(int (*)(foo_t *, int));", "the type 'foo_t' is not declared"),
        ("int f(sigset_t *set);", "the type 'sigset_t' is not declared .*: #include <signal.h>, "),
        ("EXPORT int f(int);", "the type 'EXPORT' is not declared .* or give a macro its value"),
        ("typedef int t; int f(t, foo_t x);", "the type 'foo_t' is not declared"),
    ],
)
def test_a_type_that_is_not_declared_is_named(text, message) -> None:
    with pytest.raises(epy.HeaderError, match=message) as raised:
        epy.header(text)
    assert "\n" not in str(raised.value)


def test_one_in_a_list_of_types_is_named_when_used() -> None:
    host = epy.header("int f(foo_t); int g(size_t);")
    with pytest.raises(epy.HeaderNameError, match="f has the unknown type 'foo_t': declare it in"):
        _ = host.f
    with pytest.raises(
        epy.SignatureError, match="unknown type 'foo_t': declare it in the header's"
    ):
        host.callback("int (*)(foo_t *)", lambda a: a)
    with pytest.raises(
        epy.SignatureError, match="unknown type 'foo_t': define a ctypes type foo_t"
    ):
        epy.callback("int (*)(foo_t *)", lambda a: a)
    assert re.match("<function g", repr(host.g))


def test_a_va_list_takes_the_room_that_it_has_in_c(compile_c, run):
    text = "#include <stdarg.h>\nstruct sink { char c; va_list last; int n; };\n"
    program = f'{text}#include <stdio.h>\nint main(void) {{ printf("%zu %zu", '
    program += "sizeof(struct sink), __builtin_offsetof(struct sink, n)); }"
    sink = epy.header(text).struct.sink
    answer = run(compile_c(program)).stdout
    assert answer == f"{ctypes.sizeof(sink)} {sink.n.offset}"
