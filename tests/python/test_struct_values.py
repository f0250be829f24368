"""Tuples and dicts as values of structs, wherever a struct is due."""

import gc

import pytest

import epy

HEADER = """
struct point { int x, y; };
struct big { double values[3]; struct point at; const char *name; };
struct point moved(struct point p, int by);
struct big large(int n);
double total(struct big b);
int fill(struct point *p, int n);
int apply(struct point (*f)(struct point p));
extern struct point origin;
extern struct point corners[2];
"""
SCRIPT = f"""
import epy
from ctypes import Structure, c_int
host = epy.header('''{HEADER}''', errors={{"struct big": {{"values": [7, 8], "name": "error"}}}})

class Pair(Structure):
    _fields_ = [("a", c_int), ("b", c_int)]

@host.export
def moved(p, by):
    return p.x + by, p.y + by

@host.export
def large(n):
    if n < 0:
        raise ValueError
    if n == 0:
        return [0.5], {{"y": 4}}, b"zero"
    return {{"values": [n, n + 1], "at": (1, 2), "name": "large"}}

@host.export
def fill(p, n):
    p[0] = {{"x": n}}
    p[1] = (n + 1, n + 2)
    return int(host.total(([1, 2], (0, 0))) + host.total({{"values": [4]}}))

@host.export
def apply(f):
    return f((5, 6)).x + f({{"y": 100}}).y

@epy.export(error=(-1, -2))
def pair(n: c_int) -> Pair:
    return [(n, n + 1), {{"a": 9}}, {{"c": 1}}, (1, 2, 3), [1, 2]][n]

host.export_data("origin", {{"y": 11}})
host.export_data("corners", [(1, 2), {{"x": 3}}])
"""
HOST = (
    HEADER
    + """
#include <stdio.h>
struct point pair(int n);
double total(struct big b) { return b.values[0] + b.values[1] + b.at.x; }
static struct point twice(struct point p) { p.x *= 2; p.y *= 2; return p; }
static void show(struct point p) { printf("%d %d\\n", p.x, p.y); }
static void show_big(struct big b) {
    printf("%g %g %g (%d %d) %s\\n", b.values[0], b.values[1], b.values[2], b.at.x, b.at.y, b.name);
}
int main(void) {
    show(moved((struct point){1, 2}, 10));
    show_big(large(5));
    show_big(large(0));
    show_big(large(-1));
    struct point two[2] = {{8, 8}, {8, 8}};
    printf("%d\\n", fill(two, 3));
    show(two[0]);
    show(two[1]);
    printf("%d\\n", apply(twice));
    for (int n = 0; n < 5; ++n) show(pair(n));
    show(origin);
    show(corners[0]);
    show(corners[1]);
}
"""
)
EXPECTED = """11 12
5 6 0 (1 2) large
0.5 0 0 (0 4) zero
7 8 0 (0 0) error
7
3 0
4 5
210
0 1
9 0
-1 -2
-1 -2
-1 -2
0 11
1 2
3 0
"""


def test_a_tuple_or_dict_is_a_struct_by_value(build_plugin, compile_c, run):
    build_plugin(SCRIPT)
    host = compile_c(HOST, "-L.", "-l:plugin.so", "-Wl,-rpath,.", "-rdynamic")
    result = run(host)
    assert result.stdout == EXPECTED
    assert "Pair has no field 'c'" in result.stderr
    assert (
        "expected an instance of Pair, a tuple or dict of its fields, got [1, 2]" in result.stderr
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((1, 2, 3), "point has 2 members, 3 values given"),
        ({"z": 1}, "point has no field z: it has x, y"),
        ({"x": "1"}, "point.x is `int x`: '1' does not fit"),
        ([1, 2], r"is `struct point`: \[1, 2\] does not fit"),
        (5, "is `struct point`: 5 does not fit"),
    ],
)
def test_what_is_no_struct_is_refused_as_an_argument(value, message):
    host = epy.header(HEADER)
    function = host.callback("struct point (*)(struct point)", lambda p: p)
    pointer = type(function).__mro__[2](function.address)
    assert pointer((1, 2)).y == 2
    with pytest.raises(epy.ArgumentError, match=message):
        pointer(value)


def test_callables_in_what_does_not_last_live_until_unload():
    """The host copies the struct, and calls its functions when the dict is long gone."""
    host = epy.header("#define _GNU_SOURCE\n#include <stdio.h>\n")
    written = []

    def write(cookie, buffer, size):
        written.append(bytes(buffer[:size]))
        return size

    file = host.fopencookie(None, "w", {"write": write})
    gc.collect()
    host.fprintf(file, "%s %d", "text", 5)
    host.fclose(file)
    assert written == [b"text 5"]
    keeper = epy.header("struct hooks { int (*f)(int); }; int keep(struct hooks *list);")
    pointer = keeper.callback("int (*)(struct hooks *, int)", lambda hooks, n: hooks[n].f(n))
    native = type(pointer).__mro__[2](pointer.address)
    assert native([{"f": lambda n: 10}, {"f": lambda n: 20 + n}], 1) == 21


def test_a_struct_result_s_callables_live_until_unload(build_plugin, compile_c, run):
    plugin = build_plugin("""
import epy
host = epy.header("struct hooks { int (*f)(int); const char *name; }; struct hooks hooks(int n);")

def double(n):
    return 2 * n

@host.export
def hooks(n):
    return {"f": double if n else (lambda n: 3 * n), "name": "hooks"}
""")
    host = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
struct hooks { int (*f)(int); const char *name; };
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    struct hooks (*hooks)(int) = (struct hooks (*)(int))dlsym(plugin, "hooks");
    struct hooks one = hooks(1), other = hooks(0), again = hooks(1);
    for (int i = 0; i < 100; ++i) hooks(1);
    printf("%d %d %d\\n", one.f(4), other.f(4), one.f == again.f);
}
"""
    )
    result = run(host, plugin)
    assert (result.stdout, result.stderr) == ("8 12 1\n", "")
