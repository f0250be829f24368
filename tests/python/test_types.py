"""C types beyond numbers: pointers, function pointers, objects, enums.

Each test is a C program, a script, and what the program prints.
"""

from __future__ import annotations

import sys

import pytest
from plugin_scripts import ADD

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
    assert "MisfitError: expected a `struct Point *`, got <" in errors


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
    F(void (*)(void *), "drop")(object);
}
""",
        """
@epy.export("PyObject *make(int n)")
def make(n):
    return [n] * n

@epy.export
def show(thing: py_object) -> None:
    print(thing)

@epy.export
def drop(thing: py_object) -> None:
    pythonapi.Py_DecRef(py_object(thing))  # the reference that C has got
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


UNKNOWN_LAYOUT = (
    "epy: this Python's objects are laid out as epy does not know: "
    "calls make new ones for their arguments\n"
)


@pytest.mark.usefixtures("no_python_named")
@pytest.mark.parametrize("level", ["debug", "info"])
def test_that_calls_make_new_objects_is_said_at_the_level_debug(build_plugin, native, run, level):
    asked = "from epy import _core; print(_core.reuses_arguments)"
    are_reused = run(sys.executable, "-c", asked).stdout == "True\n"
    calls = ["int add 2 3", "int add 4 5"]
    result = run(native("call"), f"open {build_plugin(ADD)}", *calls, env={"EPY_LOG": level})
    assert result.stdout == "5\n9\n"
    is_said = level == "debug" and not are_reused
    assert result.stderr.count(UNKNOWN_LAYOUT) == (1 if is_said else 0)
