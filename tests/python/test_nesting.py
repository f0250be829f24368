"""The host inside Python inside the host; plugins that call each other."""

from __future__ import annotations

import pytest
from waits import without_waits

# With the GIL released during the call of the host's function, and with the GIL kept.
KINDS = ["CFUNCTYPE", "PYFUNCTYPE"]

DESCEND = """
import epy, sys, threading
from ctypes import {kind}, c_int

Step = {kind}(c_int, c_int)
of_thread = threading.local()

@epy.export("int descend(Step step, int depth)", error=-1)
def descend(step, depth):
    if depth == 0:
        raise ValueError("at the bottom")
    of_thread.depth = depth
    try:
        raise KeyError
    except KeyError as error:
        below = step(depth - 1)
        assert sys.exc_info()[1] is error
    assert of_thread.depth == 1  # as the innermost call left it
    infinite = 1e308 * (10 + depth)
    assert infinite - infinite != 0 and 1.0 + 2.0**-53 == 1.0  # no traps, rounding to nearest
    return below + 1
"""

DESCENDING_HOST = """
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <xmmintrin.h>

static int (*descend)(int (*)(int), int);
static int changed;

// Everything that a thread has of its own differs from level to level: traps on, another rounding.
static int step(int depth) {
    const unsigned sse = 0x1900 | (unsigned)(depth % 4) << 13, sse_before = _mm_getcsr();
    const unsigned short x87 = 0x0340 | (unsigned short)(depth % 4 << 10);
    unsigned short x87_before, x87_after;
    __asm__ volatile("fnstcw %0" : "=m"(x87_before));
    __asm__ volatile("fldcw %0" : : "m"(x87));
    _mm_setcsr(sse);
    errno = depth;
    const int result = descend(step, depth);
    changed += errno != depth;
    changed += (_mm_getcsr() & ~0x3fu) != sse;
    __asm__ volatile("fnstcw %0" : "=m"(x87_after));
    changed += x87_after != x87;
    __asm__ volatile("fldcw %0" : : "m"(x87_before));
    _mm_setcsr(sse_before);
    return result;
}

static void *run(void *unused) {
    const int result = step(100);
    printf("%d %d\\n", result, changed);
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    descend = (int (*)(int (*)(int), int))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "descend");
    run(NULL);
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
    run(NULL);
}
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_levels_keep_what_belongs_to_each(build_plugin, compile_c, run, kind):
    """errno, both floating-point environments, the exception being handled, the thread state."""
    plugin = build_plugin(DESCEND.format(kind=kind))
    result = run(compile_c(DESCENDING_HOST), plugin)
    assert result.stdout == "99 0\n" * 3
    assert result.stderr.count("epy: exception in export 'descend' of") == 1
    assert result.stderr.endswith("... 2 more\n")
    assert result.stderr.count("ValueError: at the bottom") == 1


PASS_ON = """
import epy
from ctypes import {kind}, c_int

Next = {kind}(c_int, c_int)

@epy.export("int pass_on(Next next, int n)", error=-1000)
def pass_on(next, n):
    return {add} + next(n - 1) if n > 0 else 0
"""

RELAYING_HOST = """
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef int next_function(int);
static int (*one)(next_function *, int), (*two)(next_function *, int);
static int to_two(int n);
static int to_one(int n) { return one(to_two, n); }
static int to_two(int n) { return two(to_one, n); }

enum { threads = 6 };
static pthread_barrier_t start;
static int wrong;

static void *run(void *odd) {
    pthread_barrier_wait(&start);
    for (int i = 0; i < 50; i++) {
        // 10 calls of the one, 10 of the other
        const int result = odd ? to_two(20) : to_one(20);
        if (result != 1010) __sync_fetch_and_add(&wrong, 1);
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t all[threads];
    (void)argc;
    one = (int (*)(next_function *, int))dlsym(dlopen(argv[1], RTLD_NOW), "pass_on");
    two = (int (*)(next_function *, int))dlsym(dlopen(argv[2], RTLD_NOW), "pass_on");
    const int count = atoi(argv[3]);
    pthread_barrier_init(&start, NULL, count);
    for (int i = 0; i < count; i++) pthread_create(&all[i], NULL, run, i % 2 ? &wrong : NULL);
    for (int i = 0; i < count; i++) pthread_join(all[i], NULL);
    printf("%d\\n", wrong);
}
"""


@pytest.mark.parametrize("threads", [1, 6])
@pytest.mark.parametrize("kind", KINDS)
def test_plugins_call_each_other(build_plugin, compile_c, run, kind, threads):
    """The other one is started from inside the first one's call, from both sides at once."""
    one = build_plugin(PASS_ON.format(kind=kind, add=1), name="one")
    two = build_plugin(PASS_ON.format(kind=kind, add=100), name="two")
    host = compile_c(RELAYING_HOST)
    for _ in range(5):
        result = run(host, one, two, str(threads))
        assert (result.stdout, without_waits(result.stderr)) == ("0\n", "")


OPENING = """
import ctypes, epy
from ctypes import c_int

@epy.export("int ask(int n)", error=-1)
def ask(n):
    other = getattr(ctypes, "PyDLL" if n % 2 else "CDLL")("./other.so")
    other.answer.restype = ctypes.c_int
    return other.answer(n)
"""
OTHER = """
import epy
from ctypes import c_int

@epy.export
def answer(n: c_int) -> c_int:
    import json, decimal  # an extension too: the dynamic loader's lock and the GIL
    return 10 * n
"""


@pytest.mark.parametrize("first", [1, 2])
def test_a_plugin_opens_and_calls_another(build_plugin, native, run, first):
    """ctypes keeps the GIL for PyDLL (odd) and releases it for CDLL, also in the other's start."""
    build_plugin(OPENING)
    build_plugin(OTHER, name="other")
    calls = ["open ./plugin.so", f"threads 4 int ask {first}", "int ask 1", "int ask 2"]
    result = run(native("call"), *calls)
    assert result.stdout.split() == [str(10 * first)] * 4 + ["10", "20"]
    assert without_waits(result.stderr) == ""
