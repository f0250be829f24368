"""Structs by value, complex numbers and long doubles in signatures."""

from __future__ import annotations

import re

import pytest

POINT = """
class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]
"""
POINT_C = "struct point { int x, y; };\n"


def test_a_struct_argument_is_a_copy(check):
    lines, errors = check(
        POINT_C
        + """
void run(void) {
    struct point p = {1, 2};
    struct point q = F(struct point (*)(struct point), "swap")(p);
    printf("%d %d, %d %d\\n", p.x, p.y, q.x, q.y);
    q = F(struct point (*)(struct point), "swap")(q);
    F(void (*)(void), "show")();
}
""",
        POINT
        + """
seen = []

@epy.export("struct Point swap(struct Point p)")
def swap(p):
    seen.append(p)
    p.x, p.y = p.y, p.x
    return p

@epy.export("void show(void)")
def show():
    print([(p.x, p.y) for p in seen])
""",
    )
    assert (lines, errors) == (["1 2, 2 1", "[(2, 1), (1, 2)]"], "")


def test_what_a_returned_struct_points_to_stays_alive(check):
    lines, errors = check(
        """
struct named { const char *name; long id; double weight; };
void run(void) {
    struct named (*make)(int) = F(struct named (*)(int), "make");
    struct named made = make(5);
    for (int i = 0; i < 1000; ++i) {
        F(void (*)(void), "use_memory")();
    }
    printf("%s %ld %g\\n", made.name, made.id, made.weight);
}
""",
        """
class Named(Structure):
    _fields_ = [("name", c_char_p), ("id", c_long), ("weight", c_double)]

@epy.export(CFUNCTYPE(Named, c_int))
def make(number):
    return Named(b"number %d" % number, number, number / 2)

memory = []

@epy.export
def use_memory() -> None:
    memory[:] = [b"another %d" % len(memory)] * 3
""",
    )
    assert (lines, errors) == (["number 5 5 2.5"], "")


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_a_struct_result_of_another_class_gives_the_error_value(check):
    lines, errors = check(
        POINT_C
        + """
struct large { long values[5]; };
void run(void) {
    struct point p = F(struct point (*)(void), "small")();
    struct large l;
    memset(&l, 0xff, sizeof l);
    l = F(struct large (*)(void), "large")();
    struct large m = F(struct large (*)(void), "large_with_value")();
    printf("%d %d, %ld %ld, %ld %ld\\n", p.x, p.y, l.values[0], l.values[4], m.values[0],
           m.values[4]);
}
""",
        POINT
        + """
class Large(Structure):
    _fields_ = [("values", c_long * 5)]

@epy.export(CFUNCTYPE(Point), error=Point(-1, -2))
def small():
    return [1, 2]

@epy.export(CFUNCTYPE(Large))
def large():
    return Point()

@epy.export(CFUNCTYPE(Large), error=Large((1, 2, 3, 4, 5)))
def large_with_value():
    raise ArithmeticError("none")
""",
    )
    assert lines == ["-1 -2, 0 0, 1 5"]
    found = re.findall(r"^[\w.]+Error: .*", errors, re.M)
    fields = "a tuple or dict of its fields"
    misfit, other = "epy._errors.MisfitError:", ": give one, or declare another C type"
    assert found[0] == f"{misfit} expected an instance of Point, {fields}, got [1, 2]{other}"
    assert found[1].startswith(f"{misfit} expected an instance of Large, {fields}, got <")
    assert found[2:] == ["ArithmeticError: none"]


def test_before_python_an_error_value_has_what_its_pointers_lead_to(check):
    """An address that is given as a number stays the number."""
    lines, errors = check(
        """
struct named { const char *name; long id; };
struct number { void *address; long id; };
void run(void) {
    struct named made = F(struct named (*)(void), "make")();
    struct number kept = F(struct number (*)(void), "keep")();
    printf("%s %ld, %p %ld\\n", made.name, made.id, kept.address,
           kept.id);
}
""",
        """
class Named(Structure):
    _fields_ = [("name", c_char_p), ("id", c_long)]

class Number(Structure):
    _fields_ = [("address", c_void_p), ("id", c_long)]

@epy.export(CFUNCTYPE(Named), error=Named(b"none", -1))
def make():
    return Named()

@epy.export(CFUNCTYPE(Number), error=Number(16, -1))
def keep():
    return Number()

assert epy.building, "does not start"
""",
    )
    assert lines == ["none -1, 0x10 -1"]
    assert "AssertionError: does not start" in errors


def test_complex_numbers_and_long_doubles(check):
    lines, errors = check(
        """
void run(void) {
    double complex z = F(double complex (*)(double complex, float complex), "multiply")(
        1 + 2 * I, 3 - 1 * I);
    float complex f = F(float complex (*)(long double), "root")(-4.0L);
    long double l = F(long double (*)(int, long double), "scale")(3, 0.5L);
    printf("%g%+gi %.3f%+.3fi %Lg\\n", creal(z), cimag(z), crealf(f), cimagf(f), l);
    z = F(double complex (*)(double complex, float complex), "multiply")(0, 0);
    printf("%g%+gi\\n", creal(z), cimag(z));
}
""",
        """
@epy.export("double complex multiply(double _Complex a, float _Complex b)", error=9 - 9j)
def multiply(a, b):
    return a * b if a else 1 / a

@epy.export
def root(x: c_longdouble) -> epy.c_float_complex:
    return x ** 0.5

@epy.export("long double scale(int n, long double x)")
def scale(n, x):
    return n * x
""",
    )
    assert lines == ["5+5i 0.000+2.000i 1.5", "9-9i"]
    assert "ZeroDivisionError" in errors


def test_complex_numbers_in_structs_and_as_arguments_of_c_functions(check):
    lines, errors = check(
        """
struct wave { double complex phase; int n; };
double complex host_conjugate(double complex z) { return conj(z); }
void run(void) {
    struct wave w = {1 + 2 * I, 3};
    w = F(struct wave (*)(struct wave), "turn")(w);
    printf("%g%+gi %d\\n", creal(w.phase), cimag(w.phase), w.n);
}
""",
        """
class Wave(Structure):
    _fields_ = [("phase", epy.c_double_complex), ("n", c_int)]

@epy.export("struct Wave turn(struct Wave w)")
def turn(w):
    conjugate = CDLL(None).host_conjugate
    conjugate.argtypes = [epy.c_double_complex]
    conjugate.restype = epy.c_double_complex
    assert w.phase.value == 1 + 2j and complex(w.phase) == 1 + 2j
    w.phase.value = conjugate(w.phase.value) * 10
    return w
""",
    )
    assert (lines, errors) == (["10-20i 3"], "")
