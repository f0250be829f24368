"""Calls of the host through a header: arguments are checked, exceptions of callbacks come back."""

import contextlib
import ctypes
import gc
import sys

import pytest

import epy

C = """
int abs(int n);
long labs(long n);
int toupper(unsigned char c);
float fabsf(float x);
double fabs(double x);
_Bool isatty(_Bool fd);
unsigned long strlen(const char *text);
int snprintf(char *buffer, unsigned long size, const char *format, ...);
struct numbers { int first, second; };
void qsort(int *base, unsigned long count, unsigned long size,
           int (*compare)(const int *, const int *));
enum color { RED, GREEN };
struct api { int (*abs)(int n); };
"""


@pytest.fixture
def host():
    return epy.header(C)


class Index:
    def __index__(self):
        return -7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: h.abs(2**31), "abs: argument 1 is `int`: 2147483648 does not fit"),
        (lambda h: h.abs(-(2**31) - 1), "does not fit"),
        (lambda h: h.labs(2**63), "labs: argument 1 is `long`: 9223372036854775808 does not"),
        (lambda h: h.toupper(97 + 256), "toupper: argument 1 is `unsigned char`: 353 does not fit"),
        (lambda h: h.toupper(-1), "does not fit"),
        (lambda h: h.strlen("a", 2), r"strlen takes 1 argument, 2 given: `unsigned long strlen\("),
        (
            lambda h: epy.header("struct t { int (*f)(int, int); };").t(f=h.abs.address).f(1),
            r"^`int \(\*\)\(int, int\)` takes 2 arguments, 1 given$",
        ),
        (lambda h: h.abs(), r"abs takes 1 argument, 0 given: `int abs\(int\)`"),
        (lambda h: h.abs(n=1), "abs got n by name: C passes arguments by position"),
        (lambda h: h.abs(1.0), "abs: argument 1 is `int`: 1.0 does not fit"),
        (lambda h: h.abs("1"), "abs: argument 1 is `int`: '1' does not fit"),
        (lambda h: h.abs(None), "abs: argument 1 is `int`: None does not fit"),
        (lambda h: h.fabs("1"), "fabs: argument 1 is `double`: '1' does not fit"),
        (lambda h: h.fabsf(1e300), r"fabsf: argument 1 is `float`: 1e\+300 does not fit"),
        (lambda h: h.isatty(2), None),
        (lambda h: h.isatty("no"), "isatty: argument 1 is `_Bool`: 'no' does not fit"),
        (lambda h: h.strlen(3.5), "strlen: argument 1 is `char .`: 3.5 does not fit"),
        (
            lambda h: h.qsort([1], 1, 4, lambda a: 0),
            r"qsort: argument 4: `int \(\*\)\(int \*, int \*\)` is expected: .* takes 1 argument",
        ),
        (
            lambda h: h.snprintf(None, 0, b"%ld", 2**64),
            "snprintf: argument 4 is 18446744073709551616, which does not fit `...` .it has more",
        ),
        (lambda h: h.snprintf(None, 0), "snprintf takes 3 arguments, 2 given"),
        (lambda h: h.snprintf(None, 0, b"%d", object()), "snprintf: argument 4 is <object object"),
        (
            lambda h: h.api(abs=ctypes.CDLL(None).abs).abs(2**31),
            r"`int \(\*\)\(int\)`: argument 1 is `int`: 2147483648 does not fit",
        ),
    ],
)
def test_an_argument_that_does_not_fit_is_refused_and_the_function_not_called(host, call, message):
    if message is None:
        call(host)
        return
    with pytest.raises(epy.ArgumentError, match=message) as raised:
        call(host)
    assert "\n" not in str(raised.value)


def test_arguments_that_fit(host):
    assert host.abs(-(2**31) + 1) == 2**31 - 1
    assert host.abs(ctypes.c_int(-3)) == 3
    assert host.abs(Index()) == 7
    assert host.abs(True) == 1
    assert host.abs(host.enum.color.GREEN) == 1
    assert host.fabs(-2) == host.fabs(-2.0) == 2.0
    assert host.fabsf(float("-inf")) == float("inf")
    assert host.toupper(ord("a")) == ord("A")


def test_more_arguments_of_a_variadic_function_are_promoted(host):
    buffer = ctypes.create_string_buffer(100)
    more = (-1, 2**64 - 1, 2.5, ctypes.c_float(1.5), "Größe", b"bytes", True, None)
    host.snprintf(buffer, 100, "%d %lu %g %g %s %s %d %p", *more)
    assert buffer.value.decode() == "-1 18446744073709551615 2.5 1.5 Größe bytes 1 (nil)"


def raising(error):
    def compare(a, b):
        raise error

    return compare


def test_an_exception_of_a_callback_is_raised_by_the_call_above_it(host, monkeypatch):
    reports = []
    monkeypatch.setattr(epy, "error_hook", reports.append)
    error = KeyError("compare")
    with pytest.raises(KeyError) as raised:
        host.qsort([3, 2, 1], 3, 4, raising(error))
    assert raised.value is error
    assert error.epy_result is None
    assert any("more exception" in note for note in error.__notes__)
    assert not reports


def test_each_callback_has_a_record_of_its_own(host, monkeypatch):
    """What is raised below a callback is that callback's affair."""
    reports = []
    monkeypatch.setattr(epy, "error_hook", reports.append)
    seen = []

    def outer(a, b):
        with pytest.raises(KeyError):
            host.qsort([2, 1], 2, 4, raising(KeyError("inner")))
        seen.append(a[0])
        raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        host.qsort([2, 1], 2, 4, outer)
    assert seen[0] == 2
    with pytest.raises(KeyError, match="through"):
        epy.call(host.qsort, [2, 1], 2, 4, raising(KeyError("through")))
    assert not reports


def test_a_function_of_the_host_s_table_raises_too(build_plugin, compile_c, run):
    plugin = build_plugin("""
import epy
host = epy.header("struct api { int (*twice)(int (*f)(int), int n); }; int start(struct api *api);")

def fail(n):
    raise ValueError(n)

@host.export(error=-1)
def start(api):
    try:
        api.twice(fail, 5)
    except ValueError as error:
        return error.epy_result * 10 + int(str(error))
""")
    program = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
static int twice(int (*f)(int), int n) { f(n); f(n); return 3; }
int main(int argc, char **argv) {
    void *api = twice;
    int (*start)(void *) = (int (*)(void *))dlsym(dlopen(argv[1], RTLD_NOW), "start");
    printf("%d\\n", start(&api));
}
"""
    )
    result = run(program, plugin)
    assert result.stdout == "35\n"
    assert result.stderr == ""


def test_calls_leave_nothing_behind(host):
    @host.callback("int (*)(const int *, const int *)")
    def compare(a, b):
        raise ValueError

    def calls(count):
        for _ in range(count):
            host.abs(-1)
            with contextlib.suppress(ValueError):
                host.qsort([2, 1], 2, 4, compare)
            with contextlib.suppress(epy.ArgumentError):
                host.abs(2**40)
        gc.collect()
        return sys.getallocatedblocks()

    calls(50)
    before = calls(50)
    assert calls(3000) - before < 1500


def test_a_str_fits_a_char_pointer_of_a_host_function_and_stays_with_the_str() -> None:
    host = epy.header("unsigned long strlen(const char *s); void *strchr(const char *s, int c);")
    assert host.strlen("Größe") == 7
    assert host.strlen(b"bytes") == 5
    text = "key=value"
    found = host.strchr(text, ord("="))
    others = [f"key{number}=value" for number in range(1000)]
    assert all(host.strchr(other, ord("=")) for other in others)
    assert ctypes.string_at(found) == b"=value"
    with pytest.raises(epy.ArgumentError, match="has a NUL, where a C string ends"):
        host.strlen("a\0b")
    with pytest.raises(epy.ArgumentError):
        host.strlen(5)
