"""Threads of the host: many, that end, are joined, cancelled, or call while Python finalizes.

With `--calls 1000000` the stress tests run in full.
"""

from __future__ import annotations

import re
import sys
import sysconfig

import pytest

COUNTER = """
import epy
from ctypes import c_int

count = 0

@epy.export(error=-1)
def count_up() -> c_int:
    global count
    count += 1
    return count
"""


def test_daemon_threads_may_call_while_a_python_host_finalizes(build_plugin, run):
    plugin = build_plugin(COUNTER)
    host = f"""
import ctypes, threading
library = ctypes.CDLL({str(plugin)!r})
library.count_up()
def call():
    while True:
        library.count_up()
for _ in range(4):
    threading.Thread(target=call, daemon=True).start()
"""
    for _ in range(10):
        result = run(sys.executable, "-c", host)
        # A call may come after the end: one line says so, once.
        assert result.stderr == "" or (
            "'count_up': the host has finalized Python" in result.stderr
            and result.stderr.count("\n") == 1
        )


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


NAP = """
import epy, time
from ctypes import c_int

@epy.export
def nap(n: c_int) -> c_int:
    time.sleep(n * 0.2)
    return n + 5
"""


def test_a_cancelled_thread_leaves_python_in_order(build_plugin, compile_c, run):
    plugin = build_plugin(NAP)
    host = compile_c(
        """
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
static int (*nap)(int);
static void *run(void *unused) {
    nap(1);
    // Not in a function that the thread sanitizer replaces: it does not stand being unwound.
    for (;; sched_yield()) pthread_testcancel();
    return unused;
}
int main(int argc, char **argv) {
    nap = (int (*)(int))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "nap");
    nap(0);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *result;
        pthread_create(&thread, NULL, run, NULL);
        usleep(50000); // it sleeps in Python now
        pthread_cancel(thread);
        pthread_join(thread, &result);
        printf("%d %d\\n", result == PTHREAD_CANCELED, nap(0));
    }
}
"""
    )
    result = run(host, plugin)
    assert result.stdout == "1 5\n" * 3
    assert result.stderr == ""


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


def test_a_thread_may_call_while_it_ends(build_plugin, compile_c, run):
    """From a destructor that runs after epy's own, when its state is another's to clear."""
    host = compile_c(
        """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static int (*states)(void);
static pthread_key_t key;
static void at_end(void *unused) { (void)unused; states(); }
static void *run(void *some) {
    states();
    pthread_setspecific(key, some);
    return NULL;
}
int main(int argc, char **argv) {
    states = (int (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "states");
    states();
    pthread_key_create(&key, at_end);
    for (int i = 0; i < 100; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, &key);
        pthread_join(thread, NULL);
    }
    printf("%d\\n", states());
}
"""
    )
    result = run(host, build_plugin(STATES))
    assert (result.stdout, result.stderr) == ("1\n", "")


def linked_with_python() -> list[str]:
    folder, name = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
    return [f"-L{folder}", f"-l:{name}", f"-Wl,-rpath,{folder}"]


BUSY = """
import epy, time
from ctypes import c_int

@epy.export(error=-1)
def sleep() -> c_int:
    time.sleep(0.002)
    return 1

@epy.export(error=-1)
def compute() -> c_int:
    return 1 if sum(range(20000)) else 0

@epy.export(error=-1)
def add_one() -> c_int:
    return 1
"""

FINALIZING_HOST = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void Py_InitializeEx(int), *PyEval_SaveThread(void), PyEval_RestoreThread(void *);
int Py_FinalizeEx(void);

static void *plugin;

static void *call(void *name) {
    int (*function)(void) = (int (*)(void))dlsym(plugin, name);
    for (;;) function();
    return NULL;
}

static void *call_once(void *name) {
    ((int (*)(void))dlsym(plugin, name))();
    return NULL;
}

// Threads that Python has not seen before, one after the other.
static void *call_from_new_threads(void *name) {
    for (;;) {
        pthread_t thread;
        pthread_create(&thread, NULL, call_once, name);
        pthread_detach(thread);
        usleep(200);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    char text[4096];
    int errors[2];
    const int standard_error = dup(2);
    (void)argc;
    if (pipe(errors) != 0 || dup2(errors[1], 2) != 2) return 1;
    Py_InitializeEx(0);
    void *state = PyEval_SaveThread();
    plugin = dlopen(argv[1], RTLD_NOW);
    int (*add_one)(void) = (int (*)(void))dlsym(plugin, "add_one");
    printf("%d\\n", add_one());
    pthread_create(&thread, NULL, call, "sleep");
    pthread_create(&thread, NULL, call, "compute");
    pthread_create(&thread, NULL, call, "add_one");
    pthread_create(&thread, NULL, call_from_new_threads, "add_one");
    usleep((unsigned)atoi(argv[2]));
    PyEval_RestoreThread(state);
    const int status = Py_FinalizeEx();
    printf("%d %d\\n", status, add_one());
    usleep(10000); // calls go on
    // Whichever thread met the end first writes the line; it may not have come to it yet.
    for (ssize_t length; (length = read(errors[0], text, sizeof text)) > 0;) {
        if (write(standard_error, text, (size_t)length) != length) return 1;
        if (text[length - 1] == '\\n') break;
    }
    return 0;
}
"""


def test_a_host_finalizes_its_python_while_threads_are_in_callbacks(build_plugin, compile_c, run):
    """Threads in Python never come back; calls after it get their error values."""
    plugin = build_plugin(BUSY)
    host = compile_c(FINALIZING_HOST, *linked_with_python())
    for i in range(10):
        result = run(host, plugin, f"{20000 + 700 * i}")
        assert result.stdout == "1\n0 -1\n"
        assert result.stderr.count("\n") == 1
        assert "the host has finalized Python" in result.stderr


STARTING_AGAIN = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

void Py_InitializeEx(int), *PyEval_SaveThread(void), PyEval_RestoreThread(void *);
int Py_FinalizeEx(void);

static int (*add_one)(void);

static void *call(void *unused) {
    printf("%d ", add_one());
    return unused;
}

int main(int argc, char **argv) {
    for (int i = 0; i < 3; i++) {
        Py_InitializeEx(0);
        void *state = PyEval_SaveThread();
        if (i == 0) {
            add_one = (int (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "add_one");
        }
        call(NULL);
        pthread_t thread;
        pthread_create(&thread, NULL, call, NULL);
        pthread_join(thread, NULL);
        PyEval_RestoreThread(state);
        call(NULL);
        printf("%d\\n", Py_FinalizeEx());
    }
}
"""


def test_threads_call_after_a_host_started_its_python_again(build_plugin, compile_c, run):
    host = compile_c(STARTING_AGAIN, *linked_with_python())
    result = run(host, build_plugin(BUSY))
    assert (result.stdout.splitlines(), result.stderr) == (["1 1 1 0"] * 3, "")


EXITING_HOST = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *plugin;

static void *call(void *name) {
    int (*function)(void) = (int (*)(void))dlsym(plugin, name);
    for (;;) function();
    return NULL;
}

int main(int argc, char **argv) {
    static char names[][8] = {"sleep", "compute", "add_one"};
    (void)argc;
    plugin = dlopen(argv[1], RTLD_NOW);
    for (int i = 0; i < 6; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, call, names[i % 3]);
    }
    usleep((unsigned)atoi(argv[2]));
    exit(0);
}
"""


def test_the_process_may_exit_while_threads_are_in_callbacks(build_plugin, compile_c, run):
    """At any moment, also during the start of the Python that epy starts."""
    plugin = build_plugin(BUSY)
    host = compile_c(EXITING_HOST)
    for i in range(10):
        result = run(host, plugin, f"{7000 * i}")
        assert result.stderr == ""


CANCELLING_HOST = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int (*functions[3])(void);

static void *call(void *unused) {
    for (int i = 0;; i++) {
        functions[i % 3]();
        pthread_testcancel();
    }
    return unused;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"sleep", "compute", "add_one"};
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    for (int i = 0; i < 3; i++) functions[i] = (int (*)(void))dlsym(plugin, names[i]);
    functions[0]();
    int cancelled = 0;
    for (int i = 0; i < 100; i++) {
        pthread_t threads[2];
        for (int j = 0; j < 2; j++) pthread_create(&threads[j], NULL, call, NULL);
        usleep(500 + 131 * (i % 30));
        for (int j = 0; j < 2; j++) {
            void *result;
            pthread_cancel(threads[j]);
            pthread_join(threads[j], &result);
            cancelled += result == PTHREAD_CANCELED;
        }
    }
    printf("%d %d\\n", cancelled, functions[2]());
}
"""


def test_threads_may_be_cancelled_at_any_moment_of_a_call(build_plugin, compile_c, run):
    host = compile_c(CANCELLING_HOST)
    result = run(host, build_plugin(BUSY))
    assert (result.stdout, result.stderr) == ("200 1\n", "")


CANCELLED_ONCE = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *plugin;
static int (*function)(void);

static void *wait_for_cancel(void *unused) {
    for (;;) pthread_testcancel();
    return unused;
}

static void *call(void *unused) {
    function();
    return wait_for_cancel(unused);
}

static void *close_plugin(void *unused) {
    dlclose(plugin);
    return wait_for_cancel(unused);
}

// PLUGIN FUNCTION call|close DELAY
int main(int argc, char **argv) {
    pthread_t thread;
    void *result;
    (void)argc;
    plugin = dlopen(argv[1], RTLD_NOW);
    function = (int (*)(void))dlsym(plugin, argv[2]);
    const int closes = strcmp(argv[3], "close") == 0;
    if (closes) function();
    // The first cancellation in a process opens a library, for which dlclose has the lock.
    pthread_create(&thread, NULL, wait_for_cancel, NULL);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, closes ? close_plugin : call, NULL);
    usleep((unsigned)atoi(argv[4]));
    pthread_cancel(thread);
    pthread_join(thread, &result);
    if (closes) function = (int (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), argv[2]);
    printf("%d %d\\n", result == PTHREAD_CANCELED, function());
}
"""


def test_a_thread_may_be_cancelled_while_it_starts_a_plugin(build_plugin, compile_c, run):
    plugin = build_plugin(BUSY)
    host = compile_c(CANCELLED_ONCE)
    for i in range(10):
        result = run(host, plugin, "add_one", "call", f"{2000 * i}")
        assert (result.stdout, result.stderr) == ("1 1\n", "")


def test_a_thread_may_be_cancelled_while_it_unloads_a_plugin(build_plugin, compile_c, run):
    plugin = build_plugin(BUSY + "\n@epy.on_unload\ndef linger(): time.sleep(0.3)\n")
    host = compile_c(CANCELLED_ONCE)
    result = run(host, plugin, "add_one", "close", "100000")
    assert (result.stdout, result.stderr) == ("1 1\n", "")


def test_threads_of_the_script_run_while_the_host_calls_without_a_pause(
    build_plugin, compile_c, run
):
    plugin = build_plugin("""
import epy, threading, time
from ctypes import c_int

rounds = 0

def work():
    global rounds
    while True:
        time.sleep(0.0005)
        rounds += 1

@epy.on_load
def start():
    threading.Thread(target=work, daemon=True).start()

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
