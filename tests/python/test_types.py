"""C types beyond numbers: text, pointers, function pointers, enums, structs, complex numbers.

Each test is a C program, a script, and what the program prints.
"""

from __future__ import annotations

import re

import pytest

HOST = """
#include <complex.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static void *plugin;
#define F(type, name) ((type)dlsym(plugin, name))

%s

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = dlopen(argv[argc - 1], RTLD_NOW);
    run();
    return 0;
}
"""


@pytest.fixture
def check(build_plugin, compile_c, run):
    """`check(c, script)`: what the host prints, line by line, and its stderr. `c` defines run()."""

    def check(c: str, script: str) -> tuple[list[str], str]:
        host = compile_c(HOST % c, "-rdynamic", "-ldl", "-lpthread")
        result = run(host, build_plugin("from ctypes import *\nimport epy\n" + script))
        return result.stdout.splitlines(), result.stderr

    return check


# ---- text

UTF8 = """
@epy.export
def upper(text: epy.c_str) -> epy.c_str:
    return None if text is None else text.upper()
"""


def test_utf8_text_is_str_in_both_directions(check):
    lines, errors = check(
        """
void run(void) {
    char *(*upper)(const char *) = F(char *(*)(const char *), "upper");
    puts(upper("h\\xc3\\xa4\\xc3\\x9flich \\xe2\\x82\\xac"));
    puts(upper(NULL) == NULL ? "NULL" : "text");
}
""",
        UTF8,
    )
    assert (lines, errors) == (["HÄSSLICH €", "NULL"], "")


def test_text_that_is_no_utf8_is_an_error_with_its_position(check):
    lines, errors = check(
        """
void run(void) {
    puts(F(char *(*)(const char *), "upper")("ab\\xff") == NULL ? "NULL" : "text");
}
""",
        UTF8,
    )
    assert lines == ["NULL"]
    assert "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 2" in errors


@pytest.mark.parametrize(
    ("result", "error"),
    [
        (r"'a\0b'", r"ValueError: 'a\x00b' has a NUL, where a C string ends"),
        (r"'\ud800'", "UnicodeEncodeError: 'utf-8' codec can't encode character"),
        ("b'bytes'", "TypeError: expected a str or None (bytes are c_char_p), got b'bytes'"),
    ],
)
def test_a_str_that_c_cannot_have_gives_the_error_value(check, result, error):
    script = f"""
@epy.export(CFUNCTYPE(epy.c_str), error="größer")
def text():
    return {result}
"""
    lines, errors = check('void run(void) { puts(F(char *(*)(void), "text")()); }', script)
    assert lines == ["größer"]
    assert error in errors


def test_a_struct_field_of_utf8_text(check):
    lines, errors = check(
        """
struct info { const char *name; int length; };
void run(void) {
    struct info info = {"\\xc3\\xa9", 0};
    F(void (*)(struct info *), "fill")(&info);
    printf("%s %d\\n", info.name, info.length);
}
""",
        """
class Info(Structure):
    _fields_ = [("name", epy.c_str), ("length", c_int)]

@epy.export
def fill(info: POINTER(Info)) -> None:
    info = info.contents
    info.length = len(info.name.value)
    print(repr(info.name))
    kept.append(epy.c_str("größer"))
    info.name = kept[0]

kept = []
""",
    )
    assert (lines, errors) == (["c_str('é')", "größer 1"], "")


def test_exported_data_with_utf8_text_is_in_the_file(check):
    """Python never starts: its script would fail."""
    lines, errors = check(
        """
struct info { const char *name; int length; };
void run(void) {
    puts(*F(const char **, "title"));
    puts(F(struct info *, "info")->name);
}
""",
        """
class Info(Structure):
    _fields_ = [("name", epy.c_str), ("length", c_int)]

epy.export_data("title", epy.c_str("Häßlich"))
epy.export_data("info", Info(epy.c_str("größer"), 7))
assert epy.building
""",
    )
    assert (lines, errors) == (["Häßlich", "größer"], "")


def test_wide_text_is_str_in_both_directions(check):
    lines, errors = check(
        """
void run(void) {
    wchar_t *(*twice)(const wchar_t *, wchar_t) =
        F(wchar_t *(*)(const wchar_t *, wchar_t), "twice");
    const wchar_t *text = twice(L"a\\u20ac", 0x1f40d);
    printf("%zu %x %x %x\\n", wcslen(text), text[0], text[1], text[2]);
    puts(twice(NULL, L'x') == NULL ? "NULL" : "text");
}
""",
        """
@epy.export("wchar_t *twice(const wchar_t *text, wchar_t end)")
def twice(text, end):
    return text and (text + end) * 2
""",
    )
    assert (lines, errors) == (["6 61 20ac 1f40d", "NULL"], "")


def test_returned_text_stays_until_the_same_export_s_next_return_on_that_thread(check):
    """Other exports and other threads do not touch it."""
    lines, errors = check(
        """
typedef const char *text(int);
static void *in_thread(void *function) {
    puts(((text *)function)(9));
    return NULL;
}
void run(void) {
    text *one = F(text *, "one"), *two = F(text *, "two");
    const char *first = one(1), *other = two(2);
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, one);
    pthread_join(thread, NULL);
    for (int i = 0; i < 100; ++i) {
        two(3);
    }
    printf("%.30s\\n", first);
    (void)other;
}
""",
        """
def text(number):
    return f"text {number} " * 1000

one = epy.export(CFUNCTYPE(epy.c_str, c_int), name="one")(text)
two = epy.export(CFUNCTYPE(c_char_p, c_int), name="two")(lambda number: text(number).encode())
""",
    )
    assert lines[0].startswith("text 9 text 9 ")
    assert (lines[1], errors) == ("text 1 text 1 text 1 text 1 te", "")


# ---- pointers

POINT = """
class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]
"""
POINT_C = "struct point { int x, y; };\n"


@pytest.mark.parametrize(
    "result",
    [
        "Point(1, 2)",
        "(Point * 2)(Point(1, 2), Point(3, 4))",
        "pointer(Point(1, 2))",
        "byref(Point(1, 2))",
        "cast(pointer(Point(1, 2)), c_void_p)",
        "bytes(Point(1, 2))",
    ],
)
def test_whatever_has_an_address_is_a_pointer_result(check, result):
    lines, errors = check(
        POINT_C
        + """
void run(void) {
    struct point *first = F(struct point *(*)(void), "make")();
    for (int i = 0; i < 1000; ++i) {
        F(void (*)(void), "use_memory")();
    }
    printf("%d %d\\n", first->x, first->y);
}
""",
        POINT
        + f"""
@epy.export("Point *make(void)")
def make():
    return {result}

@epy.export("void use_memory(void)")
def use_memory():
    use_memory.memory = [bytes(8) for _ in range(10)]
""",
    )
    assert (lines, errors) == (["1 2"], "")


def test_a_number_has_an_address_where_a_pointer_to_it_is_due(check):
    lines, errors = check(
        'void run(void) { printf("%d\\n", *F(int *(*)(void), "make")()); }',
        "@epy.export\ndef make() -> POINTER(c_int):\n    return c_int(42)\n",
    )
    assert (lines, errors) == (["42"], "")


def test_a_struct_of_another_type_is_no_pointer_result(check):
    lines, errors = check(
        'void run(void) { puts(F(void *(*)(void), "make")() == NULL ? "NULL" : "pointer"); }',
        POINT
        + """
class Other(Structure):
    _fields_ = [("x", c_int)]

@epy.export
def make() -> POINTER(Point):
    return Other(1)
""",
    )
    assert lines == ["NULL"]
    assert "TypeError: expected a `struct Point *`, got <" in errors


def test_an_array_parameter_is_a_pointer(check):
    lines, errors = check(
        """
void run(void) {
    int numbers[4] = {1, 2, 3, 4};
    printf("%d\\n", F(int (*)(int *), "total")(numbers));
    printf("%d\\n", numbers[0]);
}
""",
        """
@epy.export
def total(numbers: c_int * 4) -> c_int:
    result = sum(numbers[:4])
    numbers[0] = 10
    return result
""",
    )
    assert (lines, errors) == (["10", "10"], "")


def test_out_parameters_are_written_through_pointers(check):
    lines, errors = check(
        """
void run(void) {
    int number = 0;
    double real = 0;
    const char *text = NULL;
    void *address = NULL;
    char buffer[8] = "";
    F(void (*)(int *, double *, const char **, void **, char *), "fill")(
        &number, &real, &text, &address, buffer);
    printf("%d %g %s %p %s\\n", number, real, text, address, buffer);
}
""",
        """
TEXT = b"for ever"

@epy.export("void fill(int *number, double *real, const char **text, void **address, void *buffer)")
def fill(number, real, text, address, buffer):
    number[0] = 7
    real.contents.value = 2.5
    text[0] = TEXT
    address[0] = 0x1234
    memmove(buffer, b"buffer", 7)
""",
    )
    assert (lines, errors) == (["7 2.5 for ever 0x1234 buffer"], "")


def test_a_python_object_travels_through_c(check):
    lines, errors = check(
        """
void run(void) {
    void *object = F(void *(*)(int), "make")(5);
    F(void (*)(void *), "show")(object);
    F(void (*)(void *), "show")(object);
}
""",
        """
@epy.export("PyObject *make(int n)")
def make(n):
    return [n] * n

@epy.export
def show(thing: py_object) -> None:
    print(thing)
""",
    )
    assert (lines, errors) == (["[5, 5, 5, 5, 5]"] * 2, "")


# ---- function pointers


def test_a_function_pointer_parameter_is_callable(check):
    lines, errors = check(
        """
static double half(int number) { return number / 2.0; }
static char *name(char *text) { text[0] = 'X'; return text; }
void run(void) {
    char text[] = "text";
    puts(F(char *(*)(double (*)(int), char *(*)(char *), char *), "use")(half, name, text));
    puts(F(char *(*)(void *, void *, char *), "use")(NULL, NULL, text));
}
""",
        """
@epy.export("const char *use(double (*half)(int), char *(*name)(char *), void *text)")
def use(half, name, text):
    if not half:
        return b"no function"
    return b"%g " % half(3) + name(cast(text, c_char_p))
""",
    )
    assert (lines, errors) == (["1.5 Xext", "no function"], "")


def test_a_callable_returned_for_a_function_pointer_is_a_callback(check):
    """One for each callable and type, alive as long as the plugin."""
    lines, errors = check(
        """
typedef int function(int);
void run(void) {
    function *(*get)(int) = F(function *(*)(int), "get");
    function *twice = get(0), *again = get(0), *method = get(1), *method_again = get(1);
    F(void (*)(void), "collect")();
    printf("%d %d %d\\n", twice(21), method(5), get(2)(5));
    printf("%d %d %d\\n", twice == again, method == method_again, twice == method);
    printf("%d\\n", get(3)(1));
    puts(get(4) == NULL ? "NULL" : "pointer");
    puts(get(5) == NULL ? "NULL" : "pointer");
}
""",
        """
import gc

class Counter:
    __hash__ = None
    def add(self, number):
        return number + 1
    def __call__(self, number):
        return number * 10

counter = Counter()

@epy.callback("int (*)(int)")
def ready_made(number):
    return number - 1

def get_all():
    def twice(number):
        return number * 2
    return [twice, counter.add, ready_made, counter, None, lambda: 0]

functions = get_all()

@epy.export("int (*get(int which))(int)")
def get(which):
    found = functions[which]
    if which == 1:
        found = counter.add  # a new object each time
    return found

@epy.export("void collect(void)")
def collect():
    functions[:2] = [functions[0], None]
    gc.collect()
""",
    )
    assert lines == ["42 6 4", "1 1 0", "10", "NULL", "NULL"]
    assert "takes 0 arguments, but its prototype has 1: let both agree" in errors


def test_returned_callbacks_die_with_the_plugin(build_plugin, compile_c, run):
    plugin = build_plugin(
        "import epy\n\n@epy.export('int (*get(void))(int)')\ndef get(): return lambda n: n + 1\n"
    )
    host = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[1], RTLD_NOW);
    int (*function)(int) = ((int (*(*)(void))(int))dlsym(plugin, "get"))();
    printf("%d\\n", function(1));
    dlclose(plugin);
    printf("%d\\n", function(1));
}
""",
        "-ldl",
    )
    result = run(host, plugin)
    assert result.stdout.splitlines() == ["2", "0"]
    assert "was called after it was dropped" in result.stderr


# ---- enums, variadic functions


def test_an_enum_is_an_int_and_int_enums_are_results(check):
    lines, errors = check(
        """
enum color { red, green = 5, blue = -1 };
void run(void) {
    enum color (*next)(enum color) = F(enum color (*)(enum color), "next_color");
    printf("%d %d\\n", next(red), next(green));
}
""",
        """
import enum

class Color(enum.IntEnum):
    RED = 0
    GREEN = 5
    BLUE = -1

@epy.export("enum color next_color(enum color c)")
def next_color(c):
    assert type(c) is int
    return {Color.RED: Color.GREEN, Color.GREEN: Color.BLUE}[c]
""",
    )
    assert (lines, errors) == (["5 -1"], "")


def test_a_variadic_function_of_the_host_is_called_through_ctypes(check):
    lines, errors = check(
        """
char text[64];
int host_log(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return length;
}
void run(void) {
    printf("%d\\n", F(int (*)(int), "log_it")(7));
    puts(text);
}
""",
        """
@epy.export
def log_it(n: c_int) -> c_int:
    log = CDLL(None).host_log
    log.argtypes = [c_char_p]
    return log(b"%d %s %g %lld", n, b"text", c_double(2.5), c_longlong(1 << 40))
""",
    )
    assert (lines, errors) == (["24", "7 text 2.5 1099511627776"], "")


# ---- structs and complex numbers by value


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
    1 // 0
""",
    )
    assert lines == ["-1 -2, 0 0, 1 5"]
    found = re.findall(r"^\w+Error: .*", errors, re.M)
    fields = "a tuple or dict of its fields"
    assert found[0] == f"TypeError: expected an instance of Point, {fields}, got [1, 2]"
    assert found[1].startswith(f"TypeError: expected an instance of Large, {fields}, got <")
    assert found[2:] == ["ZeroDivisionError: integer division or modulo by zero"]


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
