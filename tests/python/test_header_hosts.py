"""What plugins and hosts give each other by a header: functions, variables, structs, arrays."""

from __future__ import annotations

import pytest


def test_function_pointers_in_both_directions(build_plugin, compile_c, run) -> None:
    """One that arrives is callable; one that leaves for good keeps its address.

    Long because a script and its host belong together.
    """
    build_plugin("""
import epy
host = epy.header('''
typedef int (*visitor)(int value);
struct api { int (*add)(visitor v); int (*remove)(visitor v); int (*count)(const char *, ...); };
int start(struct api *api);
int visit(visitor v);
visitor give(void);
''')

def seen(value):
    return value * 2

@host.export
def visit(v):
    return v(20) + 1

@host.export
def start(api):
    api.add(seen)
    return api.remove(seen) + api.count(b"x", 1 << 40, -1, 2.5, "text")

@host.export
def give():
    return host.callback("visitor", seen)
""")
    host = compile_c(
        """
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
typedef int (*visitor)(int value);
struct api { int (*add)(visitor v); int (*remove)(visitor v); int (*count)(const char *, ...); };
int start(struct api *api);
int visit(visitor v);
static visitor kept;
static int add(visitor v) { kept = v; return 0; }
static int remove_it(visitor v) { return v == kept ? v(50) : -1; }
static int count(const char *x, ...) {
    va_list list;
    va_start(list, x);
    long big = va_arg(list, long);
    int minus = va_arg(list, int);
    double real = va_arg(list, double);
    const char *text = va_arg(list, const char *);
    va_end(list);
    return big == 1L << 40 && minus == -1 && real == 2.5 && strcmp(text, "text") == 0 ? 1000 : 0;
}
static int triple(int value) { return 3 * value; }
int main(void) {
    struct api api = {add, remove_it, count};
    printf("%d\\n", visit(triple));
    printf("%d\\n", start(&api));
    printf("%d\\n", kept(8));
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    assert run(host).stdout == "61\n1100\n16\n"


def test_functions_and_variables_of_the_host_are_found_at_their_first_use(
    build_plugin, compile_c, run
) -> None:
    only = "int only_there(int a) { return 7 * a; }"
    library = compile_c(only, "-shared", "-fPIC", name="libonly.so")
    plugin = build_plugin(f"""
import epy
host = epy.header('''
int host_add(int a, int b);
int host_count;
int snprintf(char *buffer, unsigned long size, const char *format, ...);
int missing(void);
int run(int a);
''')
there = epy.header("int only_there(int a);", library="{library}")
add, missing = host.host_add, host.missing

@host.export
def run(a):
    from ctypes import create_string_buffer
    buffer = create_string_buffer(64)
    host.snprintf(buffer, 64, b"%ld %.1f %s", 1 << 40, 0.5, b"text")
    print(buffer.value.decode(), there.only_there(3), host.host_count.value)
    host.host_count.value += 1
    try:
        missing()
    except epy.SymbolNotFoundError as error:
        print(error)
    return add(a, 1)
""")
    host = compile_c(
        f"""
#include <dlfcn.h>
#include <stdio.h>
int host_count = 41;
int host_add(int a, int b) {{ return a + b; }}
int main(void) {{
    void *plugin = dlopen("{plugin}", RTLD_NOW);
    printf("%d\\n", ((int (*)(int))dlsym(plugin, "run"))(5));
    printf("%d\\n", host_count);
}}
""",
        "-rdynamic",
        "-ldl",
    )
    assert run(host).stdout == (
        "1099511627776 0.5 text 21 41\n"
        "no symbol 'missing' in the process: load its library before, or name it by library=\n"
        "6\n42\n"
    )


@pytest.mark.once("what a script stores in the host's memory stays, up to 4 MB")
def test_what_a_struct_without_an_owner_points_to_lives_until_unload(
    build_plugin, compile_c, run
) -> None:
    build_plugin("""
import epy, gc
host = epy.header('''
struct info { const char *name; int (*call)(int); const char *const *names; };
void fill(struct info *info);
int collect(void);
''')

@host.export
def fill(info):
    info.name = "made of " + "parts"
    info.call = lambda x: x + 1
    info.names = [c * 30 for c in "ab"]

@host.export
def collect():
    gc.collect()
    return len([bytes(i) for i in range(1000)])
""")
    host = compile_c(
        """
#include <stdio.h>
struct info { const char *name; int (*call)(int); const char *const *names; };
void fill(struct info *info);
int collect(void);
int main(void) {
    struct info info;
    fill(&info);
    collect();
    printf("%s %d %s\\n", info.name, info.call(4), info.names[1]);
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    assert run(host).stdout == f"made of parts 5 {'b' * 30}\n"


def test_what_is_assigned_to_a_variable_of_the_host_is_checked_and_kept(
    build_plugin, compile_c, run
) -> None:
    plugin = build_plugin("""
import epy
host = epy.header('''
struct item { int number; };
enum color { RED, GREEN };
extern int count; extern const char *name; extern void *any; extern enum color color;
extern struct item *item;
void change(void);
''')

@host.export
def change():
    host.count.value = 2**31 - 1
    host.name.value = "n" * 100
    host.any.value = "a" * 100
    host.color.value = host.GREEN
    host.item.contents = host.struct.item(42)
    assert host.color.value is host.enum.color.GREEN
    for value in (2**31, "x", None):
        try:
            host.count.value = value
        except epy.FieldError as error:
            print(error)
    spoil = ["s" * 100 for _ in range(1000)]
""")
    host = compile_c(
        f"""
#include <dlfcn.h>
#include <stdio.h>
struct item {{ int number; }} *item;
int count;
const char *name;
void *any;
unsigned color;
int main(void) {{
    ((void (*)(void))dlsym(dlopen("{plugin}", RTLD_NOW), "change"))();
    printf("%d %s %s %u %d\\n", count, name, (char *)any, color, item->number);
}}
""",
        "-rdynamic",
        "-ldl",
    )
    assert run(host).stdout == (
        "count is `int count`: 2147483648 does not fit\n"
        "count is `int count`: 'x' does not fit\n"
        "count is `int count`: None does not fit\n"
        f"2147483647 {'n' * 100} {'a' * 100} 1 42\n"
    )


SESSIONS = """
typedef void *session;
struct size { double width; int height : 12, flags : 4; };
struct big { long a[3]; };
struct size scale(struct size s, int factor);
struct big grow(struct big b);
session start(int number);
int open_session(session *result, int number);
int number(session s);
struct keeper { session kept; };
void keep(struct keeper *keeper);
int finish(session s);
"""


@pytest.mark.once("what a script stores in the host's memory stays, up to 4 MB")
def test_structs_by_value_and_handles_of_mapped_typedefs(build_plugin, compile_c, run) -> None:
    """Long because a script and its host belong together."""
    build_plugin(
        """
import epy

class Session(epy.Object):
    def __init__(self, number):
        self.number = number

host = epy.header('''
"""
        + SESSIONS
        + """''', types={"session": Session})
assert host.session is Session

@host.export
def scale(size, factor):
    return host.struct.size(size.width * factor, size.height * factor, flags=size.flags)

@host.export
def grow(big):
    return host.big(a=[value + 1 for value in big.a])

@host.export
def start(number):
    return Session(number)

@host.export
def open_session(result, number):
    result[0] = Session(number)
    return 0

@host.export
def keep(keeper):
    keeper.kept = Session(5)

@host.export
def number(session):
    return session.number

@host.export
def finish(session: epy.Consumed[Session]):
    return session.number
"""
    )
    host = compile_c(
        """
#include <stdio.h>
"""
        + SESSIONS
        + """
int main(void) {
    struct size s = scale((struct size){1.5, -7, -3}, 3);
    struct big b = grow((struct big){{1, 2, 3}});
    printf("%g %d %d %ld %ld\\n", s.width, s.height, s.flags, b.a[0], b.a[2]);
    session one = start(77), other;
    open_session(&other, 78);
    struct keeper keeper;
    keep(&keeper);
    printf("%d %d %d\\n", number(one), number(other), number(keeper.kept));
    printf("%d ", finish(one));
    printf("%d\\n", number(one));
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    result = run(host)
    assert result.stdout == "4.5 -21 -3 2 4\n77 78 5\n77 0\n"
    assert "InvalidHandleError" in result.stderr


@pytest.mark.once("what a script stores in the host's memory stays, up to 4 MB")
def test_a_buffer_refines_a_parameter(build_plugin, compile_c, run) -> None:
    build_plugin("""
import epy, math
from ctypes import c_float
host = epy.header('''
struct api { float (*mean)(const float *x, int n); };
float sum(float *x, int n);
void fill(struct api *api);
''')

@host.export
def sum(x: epy.Buffer(c_float, "n"), n):
    return math.fsum(x)

def mean(x: epy.Buffer(c_float, "n"), n):
    return x[0] + x[-1]

@host.export
def fill(api):
    api.mean = mean
""")
    host = compile_c(
        """
#include <stdio.h>
struct api { float (*mean)(const float *x, int n); };
float sum(float *x, int n);
void fill(struct api *api);
int main(void) {
    float x[] = {1, 2, 4};
    struct api api;
    fill(&api);
    printf("%g %g\\n", sum(x, 3), api.mean(x, 2));
}
""",
        "-L.",
        "-l:plugin.so",
        "-Wl,-rpath,.",
    )
    assert run(host).stdout == "7 3\n"
