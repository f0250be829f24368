"""Threads of the host that end, are cancelled, or call while Python finalizes."""

from __future__ import annotations

import sys

LIMIT = 20  # seconds for a host

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
        result = run(sys.executable, "-c", host, timeout=LIMIT)
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
    result = run(host, plugin, timeout=LIMIT)
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
    result = run(compile_c(CHURNING_HOST), build_plugin(STATES), timeout=LIMIT)
    assert result.stdout == "2\n"  # of the thread that started Python, and of this call
