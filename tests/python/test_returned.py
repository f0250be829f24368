"""What a callback returns by pointer: how long the host may look at it, and when it goes."""

from __future__ import annotations

import pytest

HOST = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *plugin, *result;
static void *get(const char *name) { return dlsym(plugin, name); }
static int (*noise)(void);  // other exports run in between, and memory is used again
static void *call(void *f) { return result = ((void *(*)(void))f)(); }
static void *in_thread(void *f) {
    pthread_t thread;
    pthread_create(&thread, NULL, call, f);
    pthread_join(thread, NULL);
    return result;
}
static void test(void);
int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    plugin = dlopen("./plugin.so", RTLD_NOW);
    noise = (int (*)(void))get("noise");
    test();
}
"""

NOISE = """
@epy.export("int noise(void)")
def noise():
    return len([(ctypes.c_int * n)(*[7] * n) for n in range(1, 20) for _ in range(200)])
"""


@pytest.fixture
def run_host(build_plugin, compile_c, run):
    """`run_host(script, test)`: the lines that a host prints; `test` is C, `more` its functions."""

    def run_host(script, test, more=""):
        build_plugin("import ctypes, epy\n" + script + NOISE)
        code = f"{HOST}{more}static void test(void) {{ (void)in_thread; {test} }}\n"
        return run(compile_c(code, "-pthread", "-rdynamic")).stdout.splitlines()

    return run_host


HEADER = """
host = epy.header('''
struct s { const char *name; int v[8]; };
int *ints(void); int *tuple(void); char **texts(void); struct s *records(void);
struct s *record(void); int *fails(void); int *leaves(void); int *keep_it(int *p);
typedef int *(*maker)(void);
struct table { maker make; };
struct table *table(void);
''')
"""


def test_what_a_list_tuple_or_dict_became_stays_until_the_next_return(run_host) -> None:
    assert run_host(
        HEADER
        + """
@host.export
def ints():
    return [1, 2, 3]

@host.export
def tuple():
    return 4, 5, 6

@host.export
def texts():
    return [b"text number %d" % 1, "text number %d" % 2, None]

@host.export
def records():
    return [host.struct.s(name="a %d" % 1), {"name": "b %d" % 2, "v": [9] * 8}]

@host.export
def record():
    return {"name": "c %d" % 3, "v": [7] * 8}

@host.export
def table():
    return table_of_functions

table_of_functions = host.struct.table(make=lambda: [10, 11])
""",
        """
        int *ints = call(get("ints")), *tuple = call(get("tuple"));
        char **texts = call(get("texts"));
        struct s { const char *name; int v[8]; } *records = call(get("records")),
                                                 *record = call(get("record"));
        int *(**table)(void) = call(get("table")), *made = (*table)();
        noise();
        printf("%d %d %d %d %d %d\\n", ints[0], ints[1], ints[2], tuple[0], tuple[1], tuple[2]);
        printf("%s, %s, %d\\n", texts[0], texts[1], texts[2] == NULL);
        printf("%s, %s %d, %s %d\\n", records[0].name, records[1].name, records[1].v[7],
               record->name, record->v[7]);
        printf("%d %d\\n", made[0], made[1]);
        """,
    ) == [
        "1 2 3 4 5 6",
        "text number 1, text number 2, 1",
        "a 1, b 2 9, c 3 7",
        "10 11",
    ]


def test_a_list_stays_as_error_value_and_as_argument_of_a_tail_call(run_host) -> None:
    assert run_host(
        HEADER
        + """
@host.export(error=[41, 42, 43])
def fails():
    raise ValueError("on purpose")

@host.export
def leaves():
    return epy.tail_call(host.keep_it, [51, 52, 53])
""",
        """
        int *error = call(get("fails")), *argument = call(get("leaves"));
        noise();
        printf("%d %d %d %d\\n", error[0], error[2], argument[0], argument[2]);
        """,
        "int *keep_it(int *p) { return p; }",
    ) == ["41 43 51 53"]


WATCHED = """
from ctypes import POINTER, c_int, c_char_p
import weakref

class Numbers(ctypes.c_int * 3):
    pass

def watched(name, *values):
    made = Numbers(*values)
    weakref.finalize(made, print, name, "went", flush=True).atexit = False
    return made

count = 0

@epy.export
def made() -> POINTER(c_int):
    global count
    count += 1
    return watched(f"number {count}", count, count)
"""


@pytest.mark.once("what the end prints is looked at")
def test_each_thread_has_its_own(run_host) -> None:
    assert run_host(
        WATCHED,
        """
        int *mine = call(get("made"));
        int *other = in_thread(get("made"));
        noise();
        printf("%d %d\\n", mine[0], other[0]);
        mine = call(get("made"));
        noise();
        printf("%d\\n", mine[0]);
        """,
    ) == ["1 2", "number 2 went", "number 1 went", "3"]


@pytest.mark.once("what the end prints is looked at")
def test_what_an_ended_thread_got_stays_until_the_next_return_on_another(run_host) -> None:
    assert run_host(
        WATCHED,
        """
        int *left = in_thread(get("made"));
        noise();
        noise();
        printf("%d\\n", left[0]);
        in_thread(get("made"));
        puts("end");
        """,
    ) == ["1", "number 1 went", "end"]


def test_a_return_without_a_pointer_lets_the_former_go(run_host) -> None:
    assert run_host(
        WATCHED
        + """
@epy.export
def once() -> POINTER(c_int):
    global count
    count += 1
    return watched("the first", 1) if count == 1 else None
""",
        """
        call(get("once"));
        printf("%d\\n", call(get("once")) == NULL);
        """,
    ) == ["the first went", "1"]


@pytest.mark.parametrize("how", ["call", "in_thread"])
def test_all_of_it_goes_at_unload_and_with_it_the_script(run_host, how) -> None:
    """The commonest plugin: a function that returns a table of functions."""
    assert run_host(
        """
header = epy.header('''
typedef int (*count)(int); typedef const char *(*name)(void);
struct table { count run; name name; }; struct table *table(void);
''')

class Resource:
    def __del__(self):
        print("dropped", flush=True)

resource = Resource()

def run(n):
    return n if resource else 0

def name():
    return "of " + str(resource.__class__.__name__)

table_of_functions = header.struct.table(run=run, name=name)

@header.export
def table():
    return table_of_functions
""",
        f"""
        struct table {{ int (*run)(int); const char *(*name)(void); }} *table;
        table = {how}(get("table"));
        printf("%d %s\\n", table->run(5), (char *){how}(table->name));
        dlclose(plugin);
        puts("closed");
        """,
    ) == ["5 of Resource", "dropped", "closed"]


def test_a_descriptor_does_not_make_loads_and_unloads_grow(build_plugin, run, native) -> None:
    plugin = build_plugin("""
import epy
header = epy.header("struct t { int (*run)(int); }; struct t *table(void); int use(void);")
ballast = bytearray(1_000_000)
descriptor = header.struct.t(run=lambda n: len(ballast) + n)

@header.export
def table():
    return descriptor

@header.export
def use():
    from ctypes import CFUNCTYPE, c_void_p
    return bool(CFUNCTYPE(c_void_p)(table.address)())
""")
    result, growth = run(native("call"), f"cycle 60 {plugin} use").stdout.split()
    assert result == "1"
    assert int(growth) < 8 * 1024  # KB; each script would keep 1 MB


def test_what_a_callback_returns_that_is_dropped_meanwhile_stays(run_host) -> None:
    assert run_host(
        """
header = epy.header("typedef const char *(*once)(void); once get_it(void);")
held = []

@header.export
def get_it():
    def run():
        held.clear()
        return "returned by " + str(1)
    held.append(header.callback("once", run))
    return held[0]
""",
        """
        char *(*once)(void) = call(get("get_it"));
        call(get("noise"));
        char *text = once();
        noise();
        puts(text);
        """,
    ) == ["returned by 1"]


def test_threads_that_come_and_go_leave_nothing_behind(run_host) -> None:
    grown = run_host(
        """
from ctypes import POINTER, c_char

@epy.export
def block() -> POINTER(c_char):
    return (c_char * 100_000)()
""",
        """
        void *block = get("block");
        for (int i = 0; i < 20; ++i) in_thread(block);
        long before, after, unused;
        FILE *status = fopen("/proc/self/statm", "r");
        if (fscanf(status, "%ld %ld", &unused, &before) != 2) return;
        for (int i = 0; i < 500; ++i) in_thread(block);
        rewind(status); status = freopen("/proc/self/statm", "r", status);
        if (fscanf(status, "%ld %ld", &unused, &after) != 2) return;
        printf("%d\\n", after - before < 4000);  // pages; 12,500 if each kept its own
        """,
    )
    assert grown == ["1"]


def test_a_forked_child_forgets_what_other_threads_got(run_host) -> None:
    assert run_host(
        WATCHED,
        """
        pthread_t thread;
        pthread_create(&thread, NULL, stay, get("made"));
        while (*(void *volatile *)&result == NULL) usleep(1000);
        int *mine = ((int *(*)(void))get("made"))();
        if (fork() == 0) {
            printf("%d\\n", mine[0]);
            call(get("made"));
            _exit(0);
        }
        wait(NULL);
        puts("parent");
        mine = call(get("made"));
        _exit(0);
        """,
        "static void *stay(void *f) { for (call(f);;) pause(); return NULL; }",
    ) == ["2", "number 1 went", "number 2 went", "parent", "number 2 went"]
