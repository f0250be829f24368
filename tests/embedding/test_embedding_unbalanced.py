"""epy.h: scopes that are not left by who entered them: functions that return, threads that end."""

from __future__ import annotations

import pytest

SCRIPT = """
import ctypes
import epy
from ctypes import c_int

host = epy.header('''
    struct triple { long one, two, three; };
    int of_host(int what);
    int of_triple(struct triple triple, int what);
''')

def by_value(what):
    return host.of_triple(host.triple(1, 2, 3), what)

def ways():
    return host.of_host, by_value, ctypes.CDLL(None).of_host, ctypes.PyDLL(None).of_host

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def ask(what: c_int) -> c_int:
    return ways()[what // 10](what % 10)
"""
WAYS = {"header": 0, "by value": 10, "CDLL": 20, "PyDLL": 30}

OF_HOST = """
#include <stdint.h>
enum { enters, leaves, leaves_outer, pauses, resumes, enters_and_pauses, nests, ends_thread };
struct triple { long one, two, three; };
static volatile int ends;
static epy_scope scope, pause_scope, outer;
int of_host(int what) {
    switch (what) {
    case leaves: epy_leave(&scope); break;
    case leaves_outer: epy_leave(&outer); break;
    case pauses: epy_pause(&pause_scope); break;
    case resumes: epy_resume(&pause_scope); break;
    default: assert(epy_enter(&scope) == 0 && add(1, 2) == 3);
    }
    switch (what) {
    case enters_and_pauses: epy_pause(&pause_scope); break;
    case nests: assert(ask(enters) == enters); break;
    case ends_thread: ends = 1, pthread_exit(NULL);
    }
    return what;
}
int of_triple(struct triple triple, int what) {
    assert(triple.three == 3);
    return of_host(what);
}
void in_and_out(int is_inside) {
    if (is_inside) assert(epy_enter(&outer) == 0);
    else { epy_leave(&outer); call_elsewhere(); }
}
void *ask_on_thread(void *what) { return (void *)(intptr_t)ask((int)(intptr_t)what); }
static int calls;
void let_go(void *what) { ++calls, of_host((int)(intptr_t)what); }
void sink(int level, const char *text, const epy_error *error, void *what) {
    (void)level, (void)text, (void)error, let_go(what);
}
void *end_inside(void *how) {
    epy_scope mine, inner, pause;
    assert(add(1, 2) == 3 && epy_enter(&mine) == 0 && epy_enter(&inner) == 0 && add(1, 2) == 3);
    if (*(char *)how != 'r') epy_pause(&pause);
    if (*(char *)how == 'n') assert(epy_enter(&inner) == -1);
    if (*(char *)how == 'e') pthread_exit(NULL);
    return how;
}
"""
RETURNED = (
    "epy: a function that {} called returned inside of epy_{}, which was ended for it: "
    "call epy_{} before it returns\n"
)


@pytest.fixture
def played(play):
    return lambda body, said="": _checked(play(SCRIPT, body, OF_HOST), said)


def _checked(result, said):
    assert result.stderr == said
    return result


@pytest.mark.parametrize("way", WAYS)
def test_a_function_returns_inside(played, way):
    """Called with Python's lock, and without; Python goes on as it did."""
    played(
        f"""
        int all[] = {{enters, nests, enters}};
        assert(epy_start(plugin) == 0);
        for (int is_inside = 0; is_inside < 2; ++is_inside) {{
            if (is_inside) in_and_out(1);
            for (int i = 0; i < 3; ++i) {{
                epy_clear_error();
                assert(ask({WAYS[way]} + all[i]) == all[i]);
                assert(epy_error_matches("RuntimeError"));
                assert(strstr(epy_last_error(), "returned inside of the scope"));
                if (!is_inside) call_elsewhere();
                assert(add(1, 2) == 3);
            }}
            assert(ask({WAYS[way]} + leaves) == leaves);
            assert(strstr(epy_last_error(), "not open on this thread"));
        }}
        in_and_out(0);
        """,
        RETURNED.format("export 'ask'", "enter", "leave"),
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_function_leaves_a_scope_from_outside(played, way):
    """Python, which called it, is inside still."""
    played(
        f"""
        assert(epy_start(plugin) == 0);
        in_and_out(1);
        assert(ask({WAYS[way]} + leaves_outer) == leaves_outer);
        assert(strstr(epy_last_error(), "entered outside of the function that Python called"));
        assert(add(1, 2) == 3);
        in_and_out(0);
        """
    )


@pytest.mark.parametrize("way", ["header", "by value", "CDLL"])
def test_a_function_returns_without_the_lock(played, way):
    """PyDLL says that it will not."""
    played(
        f"""
        assert(epy_start(plugin) == 0);
        for (int is_inside = 0; is_inside < 2; ++is_inside) {{
            if (is_inside) in_and_out(1);
            assert(ask({WAYS[way]} + enters_and_pauses) == enters_and_pauses);
            assert(ask({WAYS[way]} + pauses) == pauses && add(1, 2) == 3);
            assert(ask({WAYS[way]} + resumes) == resumes && add(1, 2) == 3);
        }}
        in_and_out(0);
        """,
        RETURNED.format("export 'ask'", "pause", "resume"),
    )


@pytest.mark.parametrize("what", ["enters", "pauses", "leaves_outer"])
def test_a_function_that_epy_calls_returns_inside(played, what):
    """A sink without Python's lock, and with it; and what is called with it for epy_memory."""
    said = {
        "enters": RETURNED.format("export 'ask'", "enter", "leave"),
        "pauses": RETURNED.format("the host", "pause", "resume"),
    }
    played(
        f"""
        static char byte;
        assert(epy_start(plugin) == 0);
        epy_set_log(plugin, sink, (void *){what});
        for (int is_inside = 0; is_inside < 2; ++is_inside) {{
            if (is_inside) in_and_out(1);
            calls = 0;
            assert(ask(99) == -1 && calls == 1 && add(1, 2) == 3);
            epy_object_release(epy_memory(&byte, 1, 1, let_go, (void *){what}));
            epy_object_release(epy_build("i", 1)); /* whoever has Python's lock next lets go */
            assert(calls == 2 && add(1, 2) == 3);
            if (!is_inside) call_elsewhere();
        }}
        in_and_out(0);
        """,
        said.get(what, ""),
    )


ENDED = (
    "epy: a thread ended inside of epy_enter: it has Python's lock no more; call epy_leave on each "
    "way out\n"
)


@pytest.mark.parametrize("how", ["returns", "exits", "pauses", "names anew"])
def test_a_thread_ends_inside(played, how):
    played(
        f"""
        pthread_t thread;
        assert(add(1, 2) == 3);
        for (int i = 0; i < 3; ++i) {{
            assert(pthread_create(&thread, NULL, end_inside, "{how}") == 0);
            assert(pthread_join(thread, NULL) == 0);
            call_elsewhere();
            assert(add(1, 2) == 3);
        }}
        """,
        ENDED,
    )


@pytest.mark.once("a thread stays")
@pytest.mark.parametrize("way", WAYS)
def test_a_thread_that_ends_inside_below_python_stays_there(played, way):
    played(
        f"""
        pthread_t thread;
        assert(add(1, 2) == 3);
        pthread_create(&thread, NULL, ask_on_thread, (void *)(intptr_t)({WAYS[way]} + ends_thread));
        while (!ends) sleep(1); /* with the lock */
        call_elsewhere();
        """,
        "epy: pthread_exit was called below export 'ask', where a thread cannot end: it stays "
        "there, and who joins it waits for ever; let the function that Python calls return\n",
    )


@pytest.mark.once("the process's exit is looked at")
@pytest.mark.parametrize("end", ["return 0", "exit(0)", "_exit(0)", "pthread_exit(NULL)"])
def test_a_process_ends_inside(play, end):
    """Hooks run all the same."""
    result = play(
        SCRIPT + "epy.on_unload(lambda: print('over', flush=True))\n",
        f"assert(add(1, 2) == 3 && epy_enter(&outer) == 0 && add(1, 2) == 3); {end};",
        OF_HOST,
    )
    assert result.stdout == ("" if end == "_exit(0)" else "over\n")
    assert result.stderr == (ENDED if "pthread" in end else "")


def test_another_thread_ends_the_process_inside(play):
    result = play(
        SCRIPT + "epy.on_unload(lambda: print('over', flush=True))\n",
        """
        pthread_t thread;
        assert(add(1, 2) == 3 && epy_enter(&outer) == 0);
        pthread_create(&thread, NULL, ends_process, NULL);
        while (add(1, 2) == 3) continue;
        pthread_join(thread, NULL);
        """,
        OF_HOST + "void *ends_process(void *unused) { return exit(0), unused; }",
    )
    assert (result.stdout, result.stderr) == ("over\n", "")


TWO_PLUGINS = """
#include <epy.h>
#undef NDEBUG
#include <assert.h>
#include <stdio.h>

int main(int argc, char **argv) {
    void *first = dlopen(argv[1], RTLD_NOW), *second = dlopen(argv[2], RTLD_NOW);
    int (*f)(int), (*g)(int);
    epy_plugin *plugin = epy_plugin_of(first);
    epy_scope scope;
    *(void **)&f = dlsym(first, "f");
    *(void **)&g = dlsym(second, "f");
    assert(argc == 3 && plugin != NULL && f(1) == 1 && epy_enter(&scope) == 0 && f(2) == 2);
    UNLOAD;
    assert(dlclose(first) == 0);
    assert(g(3) == 3);
    epy_leave(&scope);
    assert(epy_enter(&scope) == 0 && g(4) == 4 && dlclose(second) == 0);
    epy_leave(&scope);
    return 0;
}
"""


@pytest.mark.once("what is closed inside a scope ends behind it, maybe behind the round")
@pytest.mark.parametrize("unload", ["", "epy_unload(plugin, 600000)"])
def test_a_plugin_goes_inside_and_another_s_calls_go_on(build_plugin, epy_host, run, unload):
    """A scope is of a thread, and of no plugin."""
    host = epy_host(TWO_PLUGINS.replace("UNLOAD", unload))
    script = """
import epy
from ctypes import c_int

@epy.export
def f(x: c_int) -> c_int:
    return x

@epy.on_unload
def hook():
    print("over", flush=True)
"""
    plugins = build_plugin(script, name="first"), build_plugin(script, name="second")
    result = run(host, *plugins)
    assert (result.stdout, result.stderr) == ("over\nover\n", "")
