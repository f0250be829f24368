"""Functions whose parameters C does not name: `()`, and `void (*)(void)` as a parameter."""

import ctypes

import pytest

import epy as package

HEADER = """
typedef int any();
typedef void (*generic)(void);
struct entry { const char *name; any *function; int (*none)(void); };
int host_bind(any *f);
int host_sum();
int host_connect(const char *type, generic f, void *data);
int start(struct entry *e);
int knr();
int other();
extern any *table[2];
"""
SCRIPT = f"""
import epy
from ctypes import c_double, c_int, c_void_p
host = epy.header('''{HEADER}''', errors={{"int": -9}})
seen = []

def handler(count, key):
    return count * 100 + key

def real(a: c_double, b: c_int):
    return int(a * 10) + b

def optional(a, b=5):
    return a + b

@host.export
def start(e):
    results = [host.host_bind(it) for it in (handler, optional, lambda *all: len(all), int)]
    results.append(host.host_bind(epy.callback("int (*)(long, unsigned char)", lambda a, b: a * b)))
    results.append(host.host_sum(3, 4, 5) + host.host_sum(True, -1, 0))

    def plain(instance, data):
        seen.append((instance > 1 << 32, data))

    def typed(x: c_double, n: c_int) -> c_int:
        return int(x) + n

    results += [
        host.host_connect("p", plain, None),
        host.host_connect("n", lambda: seen.append(()), None),
        host.host_connect("d", typed, None),
        host.host_connect("p", entry_callback, None),
    ]
    e.function = handler
    try:
        e.none = handler
    except epy.FieldError as error:
        print(str(error).partition("handler() ")[2])
    print(results, seen, flush=True)
    return e.function(4, 5)

def typed_entry(e, data):
    seen.append((e.name, data))

entry_callback = host.callback("void (*)(struct entry *, void *)", typed_entry)

@host.export
def knr(a, b):
    return a - b

@host.export("int other(double x, int n)")
def other(x, n):
    return int(x * n)

host.export_data("table", [handler, real])
"""
HOST = (
    HEADER
    + """
#include <stdio.h>
int host_bind(any *f) { return f(2, 7); }
int host_sum(long a, long b, long c) { return a + b + c; }
int host_connect(const char *type, generic f, void *data) {
    static struct entry e = {"entry"};
    switch (*type) {
    case 'p': ((void (*)(void *, void *))f)(&e, NULL); return 1;
    case 'n': f(); return 2;
    default: return ((int (*)(double, int))f)(2.5, 40);
    }
}
int main(void) {
    struct entry e = {"entry"};
    printf("%d\\n", start(&e));
    printf("%d %d\\n", ((int (*)(long, long))knr)(10, -3), ((int (*)(double, int))other)(1.5, 4));
    printf("%d %d\\n", table[0](1, 2), ((int (*)(double, int))table[1])(1.5, 2));
}
"""
)
EXPECTED = """\
takes 2 arguments, but its prototype has 0: let both agree, or give \
epy.callback("int (*)(int)", f) of the prototype that the host means)
[207, 7, 0, 0, 14, 12, 1, 2, 42, 1] [(True, 0), (), (b'entry', None)]
405
13 6
102 17
"""


@pytest.mark.once("what a script gives the host stays until unload")
def test_a_function_says_itself_what_it_takes(build_plugin, compile_c, run):
    build_plugin(SCRIPT)
    # In C23, which gcc has since 15, `()` says that a function has no parameters.
    host = compile_c(HOST, "-std=gnu17", "-L.", "-l:plugin.so", "-Wl,-rpath,.", "-rdynamic")
    result = run(host)
    assert (result.stderr, result.stdout) == ("", EXPECTED)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda h: h.abs(2**64), "abs: argument 1 is 18446744073709551616, which does not fit"),
        (lambda h: h.abs([]), r"abs: argument 1 is \[\], which does not fit `...`"),
    ],
)
def test_what_c_cannot_pass_is_refused(call, message):
    with pytest.raises(package.ArgumentError, match=message):
        call(package.header("int abs();"))


def test_sqlite3_s_pointer_to_any_function():
    """sqlite3_auto_extension takes `void (*)(void)` and calls it with three arguments."""
    sqlite = package.header("sqlite3.h", library="libsqlite3.so.0")
    opened = []

    def extension(database, message, api) -> ctypes.c_int:
        opened.append(database)
        return 0

    assert sqlite.sqlite3_auto_extension(extension) == sqlite.SQLITE_OK
    database = ctypes.POINTER(sqlite.sqlite3)()
    assert sqlite.sqlite3_open(":memory:", ctypes.byref(database)) == sqlite.SQLITE_OK
    assert opened == [package.address(database)]
    sqlite.sqlite3_close(database)
    sqlite.sqlite3_reset_auto_extension()


def test_they_are_shown_as_in_c(epy, tmp_path):
    (tmp_path / "host.h").write_text(HEADER)
    listing = epy("inspect", "--header", "./host.h").stdout
    assert "int host_sum()\n" in listing
    assert "int start(struct entry *e)\n" in listing
