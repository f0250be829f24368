"""Threads in calls while Python finalizes or the process exits, and threads that are cancelled.

Long because each way in which a thread may end is tried wherever epy may find it.
"""

from __future__ import annotations

import os
import sys

import pytest
from plugin_scripts import COUNTER


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
        # A call may come after the end: one line says so, once. It names the call, or the plugin if
        # that was told of the end before.
        assert result.stderr == "" or (
            "the host has finalized Python" in result.stderr and result.stderr.count("\n") == 1
        )


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

static void *call_it(void *name) {
    ((int (*)(void))dlsym(plugin, name))();
    return NULL;
}

// Threads that Python has not seen before, one after the other.
static void *call_from_new_threads(void *name) {
    for (;;) {
        pthread_t thread;
        pthread_create(&thread, NULL, call_it, name);
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


@pytest.mark.once("the host starts and ends a Python of its own")
def test_a_host_finalizes_its_python_while_threads_are_in_callbacks(
    build_plugin, linked_with_python, compile_c, run
):
    """Threads in Python never come back; calls after it get their error values."""
    plugin = build_plugin(BUSY)
    host = compile_c(FINALIZING_HOST, *linked_with_python)
    for i in range(10):
        result = run(host, plugin, f"{20000 + 700 * i}")
        assert result.stdout == "1\n0 -1\n"
        assert result.stderr.count("\n") == 1
        assert "the host has finalized Python" in result.stderr


STARTING_AGAIN = """
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

void Py_InitializeEx(int), *PyEval_SaveThread(void), PyEval_RestoreThread(void *);
int Py_FinalizeEx(void);

static int (*add_one)(void);

static void *call(void *unused) {
    printf("%d ", add_one());
    return unused;
}

static sem_t asked, answered;

static void *live_on(void *unused) {
    for (;;) {
        sem_wait(&asked);
        call(unused);
        sem_post(&answered);
    }
}

int main(int argc, char **argv) {
    pthread_t living;
    sem_init(&asked, 0, 0);
    sem_init(&answered, 0, 0);
    pthread_create(&living, NULL, live_on, NULL);
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
        sem_post(&asked);
        sem_wait(&answered);
        PyEval_RestoreThread(state);
        call(NULL);
        printf("%d\\n", Py_FinalizeEx());
    }
}
"""


def test_threads_call_after_a_host_started_its_python_again(
    build_plugin, linked_with_python, compile_c, run
):
    """The host's first, a new one, and one that has called in the last Python, too."""
    host = compile_c(STARTING_AGAIN, *linked_with_python)
    # Since 3.14 a second start looks for _ctypes beside `python3` on PATH, a virtual environment's.
    own = os.path.dirname(os.path.realpath(sys._base_executable))
    result = run(host, build_plugin(BUSY), env={"PATH": f"{own}:{os.environ['PATH']}"})
    assert (result.stdout.splitlines(), result.stderr) == (["1 1 1 1 0"] * 3, "")


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


@pytest.mark.once("a thread stays")
@pytest.mark.parametrize("way", ["header", "ctypes"])
def test_a_thread_that_ends_itself_below_python_says_why_it_stays(
    build_plugin, compile_c, run, tmp_path, way
):
    """It keeps nothing that others need."""
    plugin = build_plugin(
        f"WAY = {way!r}\n"
        """
import epy
from ctypes import CDLL

host = epy.header("void leave(void);")

@epy.export("int call(int)")
def call(leaves):
    if leaves:
        host.leave() if WAY == "header" else CDLL(None).leave()
    return 5
"""
    )
    host = compile_c(
        """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static int (*call)(int);
void leave(void) { pthread_exit(NULL); }
static void *run(void *unused) {
    call(1);
    return unused;
}
int main(int argc, char **argv) {
    call = (int (*)(int))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "call");
    call(0);
    freopen("said", "w+", stderr);
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    while (lseek(2, 0, SEEK_END) == 0) usleep(1000);
    printf("%d\\n", call(0));
}
""",
        "-rdynamic",
    )
    assert run(host, plugin).stdout == "5\n"
    (line,) = (tmp_path / "said").read_text().splitlines()
    assert line.startswith("epy: pthread_exit was called below export 'call', where a thread")


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


CANCELLED_BEFORE = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static int (*add_one)(void);

static void *call(void *unused) {
    pthread_cancel(pthread_self());
    printf("%d ", add_one());
    for (;;) pthread_testcancel();
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    void *result;
    add_one = (int (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "add_one");
    pthread_create(&thread, NULL, call, NULL);
    pthread_join(thread, &result);
    printf("%d %d\\n", result == PTHREAD_CANCELED, add_one());
}
"""


@pytest.mark.parametrize("kind", [(), ("--standalone",)], ids=["plain", "standalone"])
def test_a_thread_that_is_cancelled_already_makes_the_first_call(
    build_plugin, compile_c, run, kind
):
    """Whatever files that reads and writes: the loader's too, which the plugin itself opens."""
    result = run(compile_c(CANCELLED_BEFORE), build_plugin(BUSY, *kind))
    assert (result.stdout, result.stderr) == ("1 1 1\n", "")


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
