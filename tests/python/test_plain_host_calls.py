"""Functions of a header that take numbers, addresses and text are called without ctypes: what they
give, and what a script may change about them, is as with ctypes."""

import ctypes
import subprocess
import sys

import pytest

import epy

HEADER = """
struct point { int x, y; };
signed char b(signed char v);
unsigned char B(unsigned char v);
short h(short v);
unsigned short H(unsigned short v);
int i(int v);
unsigned I(unsigned v);
long l(long v);
unsigned long L(unsigned long v);
float f(float v);
double d(double v);
_Bool t(_Bool v);
void *P(void *v);
const char *z(const char *v);
int y_of(const struct point *p);
const char *all(int a, double b, unsigned char c, float d, long e, double f, short g, double h,
                const char *i, double j, _Bool k, double l, double m, double n);
int seven(int a, int b, int c, int d, int e, int f, int g);
void nothing(void);
int calls(int (*f)(int), int n);
int fails(void);
"""
SAME = {
    "b": "signed char",
    "B": "unsigned char",
    "h": "short",
    "H": "unsigned short",
    "i": "int",
    "I": "unsigned",
    "l": "long",
    "L": "unsigned long",
    "f": "float",
    "d": "double",
    "t": "_Bool",
    "P": "void *",
    "z": "const char *",
}
SOURCE = (
    "#include <errno.h>\n#include <stdio.h>\n"
    + HEADER
    + "".join(f"{c} {name}({c} v) {{ return v; }}\n" for name, c in SAME.items())
    + r"""
int y_of(const struct point *p) { return p ? p->y : -1; }
const char *all(int a, double b, unsigned char c, float d, long e, double f, short g, double h,
                const char *i, double j, _Bool k, double l, double m, double n) {
    static char text[256];
    snprintf(text, sizeof text, "%d %g %d %g %ld %g %d %g %s %g %d %g %g %g", a, b, c, d, e, f, g,
             h, i, j, k, l, m, n);
    return text;
}
int seven(int a, int b, int c, int d, int e, int f, int g) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g;
}
void nothing(void) {}
int calls(int (*f)(int), int n) { return f(n); }
int fails(void) { errno = 12; return -1; }
"""
)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = tmp_path_factory.mktemp("plain") / "plain.so"
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(made)]
    subprocess.run(command, input=SOURCE, text=True, check=True)
    return str(made)


@pytest.fixture
def host(library):
    return epy.header(HEADER, library=ctypes.CDLL(library))  # a library of its own: a new header


def integers(bits, signed):
    least = -(1 << bits - 1) if signed else 0
    most = (1 << bits - signed) - 1
    return [least, least + 1, 0, 1, most - 1, most]


VALUES = {
    **{name: integers(8 << n, signed=True) for n, name in enumerate("bhil")},
    **{name: integers(8 << n, signed=False) for n, name in enumerate("BHIL")},
    "f": [0.0, -0.0, 1.5, -3.25, float("inf")],
    "d": [0.0, 1e300, -1.1, float("-inf")],
    "t": [True, False],
    "P": [None, 1, 2**64 - 1],
    "z": [None, b"", b"text", "t\u00e4xt"],
}


def test_each_type_travels_both_ways(host):
    for name, values in VALUES.items():
        for value in values * 2:  # the first call on a thread is ctypes'
            sent = value.encode() if isinstance(value, str) else value
            came = getattr(host, name)(value)
            assert (name, came, type(came)) == (name, sent, type(sent))


def test_many_arguments_are_in_their_places(host):
    values = (-1, 0.5, 255, 1.5, -(2**60), 2.5, -7, 3.5, "text", 4.5, True, 5.5, 6.5, 7.5)
    text = b"-1 0.5 255 1.5 -1152921504606846976 2.5 -7 3.5 text 4.5 1 5.5 6.5 7.5"
    assert {host.all(*values) for _ in range(3)} == {text}
    assert {host.seven(1, 2, 3, 4, 5, 6, 7) for _ in range(3)} == {140}
    assert host.nothing() is None and host.nothing() is None


def test_a_pointer_to_a_struct_in_each_form(host):
    point = host.struct.point(x=1, y=7)
    forms = [ctypes.pointer(point), point, ctypes.byref(point), {"y": 7}]
    assert [host.y_of(form) for form in forms * 2] == [7] * 8
    assert [host.y_of(None) for _ in range(2)] == [-1, -1]


def test_what_does_not_fit_is_refused_also_later(host):
    for value in [2**31, -(2**31) - 1, 1.0, "1", None]:
        assert host.i(1) == 1
        with pytest.raises(epy.ArgumentError, match="i: argument 1 is `int`"):
            host.i(value)


def test_text_that_c_would_cut_short_is_refused(host):
    assert host.z("text") == b"text"
    with pytest.raises(epy.ArgumentError, match="has a NUL"):
        host.z("cut\0short")


def test_what_a_script_sets_on_a_function_holds(host):
    assert host.i(-1) == -1 and host.i(-1) == -1
    host.i.restype = ctypes.c_uint
    assert host.i(-1) == 2**32 - 1
    host.i.errcheck = lambda result, function, arguments: (result, arguments)
    assert host.i(-2) == (2**32 - 2, (-2,))
    assert host.d(1.5) == 1.5
    host.d.argtypes = [ctypes.c_int]
    with pytest.raises(epy.ArgumentError, match=r"wrong type|cannot be interpreted as an integer"):
        host.d(1.5)


def test_exceptions_of_callbacks_are_raised_at_the_call(library):
    plain = epy.header("int calls(void *f, int n);", library=ctypes.CDLL(library))
    raising = epy.callback("int f(int)", lambda n: 1 // n)
    for _ in range(2):
        assert plain.calls(raising.address, 1) == 1
        with pytest.raises(ZeroDivisionError):
            plain.calls(raising.address, 0)


def test_errno_is_kept_as_ctypes_does(host):
    for number in range(3):
        ctypes.set_errno(number)
        assert host.i(1) == 1 and epy.get_errno() == number
        assert host.fails() == -1
        assert epy.get_errno() == 12


def test_audit_hooks_hear_of_each_call(host):
    heard = []
    is_on = True

    def hook(event, arguments):
        if is_on and event == "ctypes.call_function":
            heard.append(arguments[1])

    host.i(1)
    sys.addaudithook(hook)
    host.i(2)
    host.i(3)
    is_on = False
    assert heard == [(2,), (3,)]


def test_a_library_that_keeps_the_lock_keeps_it():
    held = epy.header("int PyGILState_Check(void);", library=ctypes.PyDLL(None)).PyGILState_Check
    free = epy.header("int PyGILState_Check(void);").PyGILState_Check
    assert [held(), held(), free(), free()] == [1, 1, 0, 0]
