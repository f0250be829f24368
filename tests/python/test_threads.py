"""Threads of the host: many, that end, are joined, cancelled, or call while Python finalizes.

With `--calls 1000000` the stress tests run in full.
"""

from __future__ import annotations

import re
import sys

import pytest
from plugin_scripts import COUNTER


@pytest.mark.parametrize("library", ["CDLL", "PyDLL"])
def test_a_python_thread_keeps_its_state_when_another_thread_ended(build_plugin, run, library):
    plugin = build_plugin(COUNTER)
    host = f"""
import ctypes
plugin = ctypes.{library}({str(plugin)!r})
free = ctypes.CDLL({str(plugin)!r})
libc = ctypes.CDLL(None)
state = ctypes.pythonapi.PyGILState_GetThisThreadState
state.restype = ctypes.c_void_p
mine = state()
for count in (2, 4, 6):
    thread = ctypes.c_ulong()
    libc.pthread_create(ctypes.byref(thread), None, free.count_up, None)
    libc.pthread_join(thread, None)
    assert plugin.count_up() == count
    assert state() == mine
"""
    assert run(sys.executable, "-c", host).stderr == ""


STATES = """
import ctypes, epy
from ctypes import c_int, c_void_p

python = ctypes.pythonapi
python.PyInterpreterState_Get.restype = c_void_p
python.PyInterpreterState_ThreadHead.argtypes = [c_void_p]
python.PyInterpreterState_ThreadHead.restype = c_void_p
python.PyThreadState_Next.argtypes = [c_void_p]
python.PyThreadState_Next.restype = c_void_p

@epy.export
def states() -> c_int:
    count = 0
    state = python.PyInterpreterState_ThreadHead(python.PyInterpreterState_Get())
    while state:
        count += 1
        state = python.PyThreadState_Next(state)
    return count
"""

CHURNING_HOST = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static int (*states)(void);
static void *run(void *unused) { states(); return unused; }
int main(int argc, char **argv) {
    states = (int (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "states");
    for (int i = 0; i < 2000; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, NULL);
        pthread_join(thread, NULL);
    }
    printf("%d\\n", states());
}
"""


def test_states_of_ended_threads_are_reclaimed(build_plugin, compile_c, run):
    result = run(compile_c(CHURNING_HOST), build_plugin(STATES))
    assert result.stdout == "2\n"  # of the thread that started Python, and of this call


WORK = """
@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export("double scale(double x, double k)")
def scale(x, k):
    return x * k

@epy.export("const char *text(int n)")
def text(n):
    return b"number %d" % n

@epy.export("int fail(int n)", error=-7)
def fail(n):
    raise ValueError(n)

epy.error_hook = lambda report: None
"""


def numbers(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"(\w+): (-?\d+)", text)}


def test_stress_of_eight_threads_that_end(build_plugin, native, run, calls):
    plugin = build_plugin(STATES + WORK)
    result = run(native("stress"), plugin, "8", f"{calls}", "100")
    found = numbers(result.stdout)
    assert (found["wrong"], found["states"]) == (0, 1)
    assert found["growth"] < 4096
    assert result.stderr == ""


CALLBACKS = """
live = {}
array = (ctypes.c_void_p * 16)

serial = iter(range(1_000_000))

def make(which):
    def scale(value):
        return value * 100 + which
    scale.__name__ = f"scale{next(serial)}"
    return epy.callback("int (*)(int)", error=-5)(scale)

@epy.export("void fill(void *where)")
def fill(where):
    global table
    table = array.from_address(where)
    for which in range(16):
        renew(which)

@epy.export("void renew(int which)")
def renew(which):
    made = make(which)
    table[which] = made.address
    live[which] = made  # the one before goes
"""


def test_stress_of_callbacks_that_go_while_threads_call_them(build_plugin, native, run, calls):
    """So few drops that no address is used again: a call is of the live one or of a dropped one."""
    plugin = build_plugin(STATES + CALLBACKS)
    result = run(native("stress"), plugin, "8", f"{calls}", "1000", "2000")
    found = numbers(result.stdout)
    assert (found["wrong"], found["states"]) == (0, 1)
    lines = result.stderr.splitlines()
    assert len(lines) == len(set(lines)) <= found["dropped"]  # of each callback at most one
    assert all("was called after it was dropped" in line for line in lines)


JOINING = """
#include <pthread.h>
#include <semaphore.h>

static pthread_t thread;
static sem_t called, may_end;
static int (*count_up)(void);

static void *run(void *unused) {
    for (int i = 0; i < 10; i++) count_up();
    sem_post(&called);
    sem_wait(&may_end);
    return unused;
}

void start(int (*function)(void)) {
    count_up = function;
    sem_init(&called, 0, 0);
    sem_init(&may_end, 0, 0);
    pthread_create(&thread, NULL, run, NULL);
    sem_wait(&called);
}

int join(void) {
    sem_post(&may_end);
    return pthread_join(thread, NULL);
}
"""


def test_a_python_host_joins_a_thread_that_has_called_while_it_holds_the_gil(
    build_plugin, compile_c, run
):
    """Nothing at the end of a thread waits for the GIL: the state is left for others to clear."""
    build_plugin(COUNTER)
    compile_c(JOINING, "-shared", "-fPIC", name="joining.so")
    host = """
import ctypes
plugin, plugin_with_gil = ctypes.CDLL("./plugin.so"), ctypes.PyDLL("./plugin.so")
joining, joining_with_gil = ctypes.CDLL("./joining.so"), ctypes.PyDLL("./joining.so")
for i in range(30):
    joining.start(plugin.count_up)
    assert joining_with_gil.join() == 0
    assert plugin_with_gil.count_up() == 11 * (i + 1)
"""
    assert run(sys.executable, "-c", host).stderr == ""


def test_a_new_thread_is_not_the_one_that_started_python(build_plugin, native, run):
    """It may have that one's number, as its stack."""
    plugin = build_plugin("""
import epy, threading
of_thread = threading.local()
@epy.export("int is_known(void)")
def is_known():
    known = hasattr(of_thread, "known")
    of_thread.known = True
    return known
""")
    result = run(native("call"), f"open {plugin}", *["thread int is_known"] * 5)
    assert result.stdout.split() == ["0"] * 5


def test_calls_below_a_call_of_a_thread_that_ends_have_their_state(build_plugin, compile_c, run):
    """Of the thread that has started Python, when Python's key does not lead to its state."""
    host = compile_c(
        """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static int (*begin)(void), (*checks)(void);
static pthread_key_t key;
int twice(int (*function)(void)) { return 10 * function() + function(); }
static void at_end(void *unused) { (void)unused; printf("%d\\n", checks()); }
static void *run(void *some) {
    begin();
    pthread_key_create(&key, at_end);
    pthread_setspecific(key, some);
    return NULL;
}
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    pthread_t thread;
    begin = (int (*)(void))dlsym(plugin, "begin");
    checks = (int (*)(void))dlsym(plugin, "checks");
    pthread_create(&thread, NULL, run, &key);
    pthread_join(thread, NULL);
}
""",
        "-rdynamic",
    )
    script = """
import epy
from ctypes import CDLL, c_int, pythonapi

epy.error_hook = lambda error: None
checked = []

@epy.export
def begin() -> c_int:
    return 0

@epy.callback("int check(void)", error=0)
def check():
    checked.append(pythonapi.PyGILState_Check())
    raise ValueError("which makes more calls of epy's")

@epy.callback("int between(void)")
def between():
    checked.append(pythonapi.PyGILState_Check())
    return CDLL(None).twice(check)

@epy.export
def checks() -> c_int:
    epy.call(CDLL(None).twice, between)
    return sum(checked)
"""
    result = run(host, build_plugin(script))
    assert (result.stdout, result.stderr) == ("6\n", "")


def test_a_thread_may_call_while_it_ends(build_plugin, compile_c, run):
    """From a destructor that runs after Python's own, whose key leads to no state any more, and
    after epy's own, when the state is another's to clear."""
    host = compile_c(
        """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static int (*states)(void), (*is_known)(void);
static int known;
static pthread_key_t key;
static void at_end(void *unused) { (void)unused; known += is_known(); }
static void *run(void *some) {
    states();
    pthread_setspecific(key, some);
    return NULL;
}
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    states = (int (*)(void))dlsym(plugin, "states");
    is_known = (int (*)(void))dlsym(plugin, "is_known");
    states();
    pthread_key_create(&key, at_end);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, &key);
        pthread_join(thread, NULL);
    }
    printf("%d %d\\n", known, states());
}
"""
    )
    script = """
@epy.export
def is_known() -> c_int:
    return python.PyGILState_Check()
"""
    result = run(host, build_plugin(STATES + script))
    assert (result.stdout, result.stderr) == ("100 1\n", "")


def test_threads_of_the_script_run_while_the_host_calls_without_a_pause(
    build_plugin, compile_c, run
):
    plugin = build_plugin("""
import epy, threading, time
from ctypes import c_int

rounds = 0
is_over = threading.Event()

def work():
    global rounds
    while not is_over.is_set():
        time.sleep(0.0005)
        rounds += 1

thread = threading.Thread(target=work, daemon=True)
epy.on_load(thread.start)

@epy.on_unload
def end():
    is_over.set()
    thread.join()

@epy.export(error=-1)
def so_far() -> c_int:
    return rounds
""")
    host = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    int (*so_far)(void) = (int (*)(void))dlsym(plugin, "so_far");
    int rounds = 0;
    while (rounds >= 0 && rounds < 200) rounds = so_far();
    puts(rounds < 0 ? "failed" : "they ran");
}
""",
        "-ldl",
    )
    result = run(host, plugin)
    assert (result.stdout, result.stderr) == ("they ran\n", "")
