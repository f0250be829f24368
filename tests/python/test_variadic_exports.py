"""C's `...` and `va_list` in Python: variadic exports, epy.VaList, epy.format."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import pytest

import epy

LOG = """
@epy.export("void log_it(int level, const char *format, ...)")
def log_it(level, format, *values):
    print(level, format, values, flush=True)

host = epy.header('''
#include <stdarg.h>
typedef struct pair { double x; long n; } pair;
typedef struct small { float a, b; int n; } small;
typedef struct large { long n[3]; } large;
enum color { RED, GREEN };
int header_log(const char *format, ...);
int sum(int count, ...);
int take(const char *kinds, ...);
void with_list(const char *format, va_list va);
int vsnprintf(char *s, unsigned long n, const char *format, va_list va);
''')

@host.export
def header_log(format, *values):
    print(format % values if format else values, flush=True)
    return len(values)

@host.export(error=-1)
def sum(count, values):
    return __builtins__["sum"](values.take(c_int) for _ in range(count))

class Counted(epy.Object):
    pass
counted = Counted()

@epy.export
def handle() -> Counted:
    return counted

KINDS = {
    b"i": c_int, b"h": c_short, b"f": c_float, b"d": c_double, b"g": c_longdouble, b"s": c_char_p,
    b"u": epy.c_str, b"w": c_wchar_p, b"b": c_bool, b"c": c_char, b"p": POINTER(c_int),
    b"P": host.pair, b"S": host.small, b"L": host.large, b"F": CFUNCTYPE(c_int, c_int),
    b"o": Counted, b"D": epy.c_double_complex,
}

@host.export(error=-1)
def take(kinds, values: epy.VaList):
    found = [values.take(KINDS[bytes([kind])]) for kind in kinds]
    print(*(shown(it) for it in found), flush=True)
    global kept
    kept = values
    return len(found)

def shown(value):
    if isinstance(value, Structure) and hasattr(value, "_fields_"):
        return [list(it) if isinstance(it, Array) else it
                for it in (getattr(value, name) for name, *_ in value._fields_)]
    if isinstance(value, POINTER(c_int)):
        return value[0]
    if isinstance(value, Counted):
        return value is counted
    return value(5) if callable(value) else value

@epy.export(error=-1)
def late() -> c_int:
    kept.take(c_int)

@host.export
def with_list(format, va):
    print(epy.format(format, va), epy.format(format.decode(), va))
    values = epy.VaList(va)
    print(values.take(c_int), epy.format(b"%s %.1f", values), flush=True)
    buffer = create_string_buffer(100)
    print(host.vsnprintf(buffer, 100, b"%s", values), buffer.value, values.take(c_double))
    print(host.vsnprintf(buffer, 100, format, va), buffer.value, flush=True)

@epy.export("void plain_list(const char *format, va_list va)")
def plain_list(format, va):
    print(epy.format(format, va), flush=True)
    try:
        epy.format(format, None)
    except ValueError as error:
        print(error, flush=True)
"""

HOST = r"""
struct pair { double x; long n; };
struct small { float a, b; int n; };
struct large { long n[3]; };
typedef void (*list_function)(const char *, va_list);
static int add_one(int n) { return n + 1; }
static void listed(list_function function, const char *format, ...) {
    va_list va;
    va_start(va, format);
    function(format, va);
    va_end(va);
}
static void run(void) {
    void (*log_it)(int, const char *, ...) = F(void (*)(int, const char *, ...), "log_it");
    log_it(1, "plain");
    log_it(2, "%d %s %g %Lf", 42, "x", 1.5, 0.25L);
    int (*header_log)(const char *, ...) = F(int (*)(const char *, ...), "header_log");
    printf("%d\n", header_log("%d-%s-%d-%d-%d-%d-%d %.2f", 1, "two", 3, 4, 5, 6, 7, 8.25));
    int (*sum)(int, ...) = F(int (*)(int, ...), "sum");
    printf("%d\n", sum(10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    int (*take)(const char *, ...) = F(int (*)(const char *, ...), "take");
    int place = 77;
    float narrow = 0.1f;
    short few = -3;
    take("ihfdgsuwbcpF", 1, few, narrow, 0.5, 0.75L, "bytes", "t\303\244xt", L"wide", 256, 'A',
         &place, add_one);
    struct pair pair = {1.5, -1};
    struct small small = {1, 2, 3};
    struct large large = {{7, 8, 9}};
    take("PSLiPiPiPiSd", pair, small, large, 1, pair, 2, pair, 3, pair, 4, small, 0.5);
    take("PDPdPdPdPdDd", pair, 1.0 + 2.0 * I, pair, .1, pair, .2, pair, .3, pair, .4,
         3.0 + 4.0 * I, .5);
    take("fffffffffff", .1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1.f, 1.1f);
    take("oi", F(void *(*)(void), "handle")(), 5);
    printf("%d\n", F(int (*)(void), "late")());
    listed(F(list_function, "with_list"), "%d %s %.1f", 7, "t\303\244xt", 2.5);
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    listed(F(list_function, "plain_list"), "%.3s %d%%", big, 100);
    listed(F(list_function, "plain_list"), "%s", big);
}
"""


def test_values_behind_dots_by_format_and_by_type(check: Any) -> None:
    lines, errors = check(HOST, LOG)
    single = [ctypes.c_float(n / 10).value for n in range(1, 12)]
    assert lines == [
        "1 b'plain' ()",
        "2 b'%d %s %g %Lf' (42, b'x', 1.5, 0.25)",
        "b'1-two-3-4-5-6-7 8.25'",
        "8",
        "55",
        f"1 -3 {single[0]} 0.5 0.75 b'bytes' täxt wide True b'A' 77 6",
        "[1.5, -1] [1.0, 2.0, 3] [[7, 8, 9]] 1 [1.5, -1] 2 [1.5, -1] 3 [1.5, -1] 4 [1.0, 2.0, 3] "
        "0.5",
        "[1.5, -1] [1.0, 2.0] [1.5, -1] 0.1 [1.5, -1] 0.2 [1.5, -1] 0.3 [1.5, -1] 0.4 [3.0, 4.0] "
        "0.5",
        " ".join(map(str, single)),
        "True 5",
        "-1",
        r"b'7 t\xc3\xa4xt 2.5' 7 täxt 2.5",
        r"7 b't\xc3\xa4xt 2.5'",
        r"5 b't\xc3\xa4xt' 2.5",
        r"11 b'7 t\xc3\xa4xt 2.5'",
        "b'xxx 100%'",
        "the va_list is NULL",
        f"b'{'x' * 1999}'",
        "the va_list is NULL",
    ]
    assert errors.count("Traceback") == 1
    assert "ViewError" in errors or "ValueError" in errors  # `late`: the call is over


def test_a_callback_of_c_text_may_be_variadic() -> None:
    seen: list[Any] = []
    call = epy.callback(
        "int (*)(const char *, ...)", lambda text, *rest: len(seen.append(rest) or "ok")
    )
    assert epy.header("int f(const char *, ...);").callback("f", lambda text, *rest: 0).address
    native = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)(call.address)
    native.argtypes = [ctypes.c_char_p]
    assert native(b"%d %g %s", 5, ctypes.c_double(0.5), b"x") == 2
    assert seen == [(5, 0.5, b"x")]


@pytest.mark.parametrize("kind", [ctypes.c_char, ctypes.c_wchar])
def test_a_text_with_a_precision_needs_no_end(kind: Any) -> None:
    """Behind it a page begins that cannot be read."""
    page = mmap.mmap(-1, 2 * mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    size = ctypes.sizeof(kind)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc = ctypes.CDLL(None)
    assert libc.mprotect(ctypes.c_void_p(start + mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
    end = start + mmap.PAGESIZE
    data = (kind * 3).from_address(end - 3 * size)
    data[:] = b"abc" if kind is ctypes.c_char else "abc"
    seen: list[Any] = []
    call = epy.callback("void (*)(const char *, ...)", lambda text, *rest: seen.extend(rest))
    native = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(call.address)
    native.argtypes = [ctypes.c_char_p]
    text = ctypes.c_void_p(ctypes.addressof(data))
    code = b"s" if kind is ctypes.c_char else b"ls"
    native(b"%.*" + code, 3, text)
    native(b"%-5.2" + code, text)
    native(b"%.0" + code + b"|%." + code, text, text)
    assert seen == [3, data[:], data[:2], data[:0], data[:0]]
    ended = (kind * 5)(*data, *data[:1])
    seen.clear()
    native(b"%.*" + code, -1, ended)
    native(b"%.9" + code, ended)
    assert seen == [-1, ended.value, ended.value]


def test_floats_are_promoted_where_scripts_call_variadic_functions() -> None:
    host = epy.header("int snprintf(char *, unsigned long, const char *, ...);")
    buffer = ctypes.create_string_buffer(100)

    class Own(ctypes.c_float):
        pass

    host.snprintf(
        buffer,
        100,
        "%g %g %g %d %c %d",
        ctypes.c_float(0.5),
        Own(2.5),
        1.5,
        ctypes.c_short(-2),
        ctypes.c_char(b"A"),
        ctypes.c_bool(True),
    )
    assert buffer.value == b"0.5 2.5 1.5 -2 A 1"
    plain = ctypes.CDLL(None).snprintf
    plain.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    epy.call(plain, buffer, 100, b"%g %g %c", ctypes.c_float(0.25), Own(4.5), ctypes.c_char(b"B"))
    assert buffer.value == b"0.25 4.5 B"


@pytest.mark.parametrize(
    ("prototype", "function", "message"),
    [
        ("int f(int, ...)", lambda level, *values: 0, "with a single parameter in its place"),
        ("int f(int, ...)", lambda: 0, "takes 0 arguments, but its prototype has 1"),
        ("int f(int, ...)", lambda a, b, c: 0, "takes 3 arguments, but its prototype has 1"),
        ("float _Complex f(float _Complex, ...)", lambda a, va: 0, "use pointers to those"),
    ],
)
def test_what_cannot_take_the_values_is_refused(
    prototype: str, function: Any, message: str
) -> None:
    with pytest.raises(epy.SignatureError) as raised:
        epy.export(prototype)(function)
    assert message in str(raised.value)


def test_wrong_use_of_a_va_list_is_an_error() -> None:
    with pytest.raises(epy.SignatureError, match="is no va_list"):
        epy.VaList("text")
    with pytest.raises(TypeError, match="a format is a str or bytes"):
        epy.format(5, bytes(24))  # type: ignore[arg-type]
