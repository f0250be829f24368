"""Calls of the host's functions: epy.call, epy.tail_call, and jumps that must not be."""

import os
import signal

import pytest

# A small one is left for one of epy's; a jump off that leaves a sanitizer's marks on the thread's.
LEFT_STACKS = ["8192"] if os.environ.get("LD_PRELOAD") else ["8192", "64"]

HOST = r"""
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf out;
static char message[64];

/* The host's function that does not come back. */
void host_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    longjmp(out, 1);
}

double host_answer(int a, double b, int c) { return a * 100 + b + c; }

int host_twice(int (*function)(int), int n) {
    int first = function(n);
    int second = function(n + 1);
    return first * 1000 + second;
}

static char **words;

static void *work(void *plugin) {
    for (char **argv = words; *argv; ++argv) {
        char *name = strtok(*argv, "*");
        char *times = strtok(NULL, "*");
        for (int n = times ? atoi(times) : 1; n > 0; --n) {
            errno = 7;
            if (setjmp(out) == 0) {
                if (strncmp(name, "real", 4) == 0) {
                    double (*real)(int) = (double (*)(int))dlsym(plugin, name);
                    printf("%s: %g\n", name, real(5));
                } else {
                    int (*function)(int) = (int (*)(int))dlsym(plugin, name);
                    printf("%s: %d\n", name, function(5));
                }
            } else if (n == 1) {
                printf("%s jumped: %s, errno %d\n", name, message, errno);
            }
            fflush(stdout);
        }
    }
    return plugin;
}

/* The functions are called on a stack of so many KiB. */
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[1], RTLD_NOW);
    if (!plugin) { puts(dlerror()); return 2; }
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)atoi(argv[2]) << 10);
    words = argv + 3;
    pthread_create(&thread, &attributes, work, plugin);
    pthread_join(thread, NULL);
    (void)argc;
}
"""
HEAD = """
import ctypes, epy
from ctypes import CFUNCTYPE, c_char_p, c_double, c_int

host = ctypes.CDLL(None)
"""


def host_of(compile_c):
    return compile_c(HOST, "-rdynamic", "-ldl", "-lpthread")


def test_tail_call_leaves_python_before_the_host_jumps(build_plugin, compile_c, run):
    plugin = build_plugin(
        HEAD
        + """
@epy.export
def fail(n: c_int) -> c_int:
    return epy.tail_call(host.host_error, b"%s %d %g %s %d", b"n is", n, 2.5, None, 1 << 20)

@epy.export
def after(n: c_int) -> c_int:
    return n + 1
"""
    )
    result = run(host_of(compile_c), plugin, "8192", "fail*300", "after", "fail", "after")
    failed = "fail jumped: n is 5 2.5 (null) 1048576, errno 7"
    assert result.stdout.splitlines() == [failed, "after: 6", failed, "after: 6"]
    assert result.stderr == ""


def test_tail_call_of_a_function_that_returns_passes_its_result(build_plugin, compile_c, run):
    plugin = build_plugin(
        HEAD
        + """
@epy.export
def real(n: c_int) -> c_double:
    answer = host.host_answer
    answer.argtypes = c_int, c_double, c_int
    return epy.tail_call(answer, n, 0.5, 20)
"""
    )
    assert run(host_of(compile_c), plugin, "8192", "real").stdout == "real: 520.5\n"


def test_tail_call_takes_functions_of_a_header_and_str_for_them(build_plugin, compile_c, run):
    plugin = build_plugin("""
import epy
host = epy.header("void host_error(const char *format, ...); double host_answer(int, double, int);"
                  "int fail(int n); double real(int n);")

@host.export
def fail(n):
    return epy.tail_call(host.host_error, "%s %d %g %s %d", "Größe", n, 2.5, None, 1 << 20)

@host.export
def real(n):
    return epy.tail_call(host.host_answer, n, 0.5, 20)
""")
    result = run(host_of(compile_c), plugin, "8192", "fail", "real")
    assert result.stdout.splitlines() == [
        "fail jumped: Größe 5 2.5 (null) 1048576, errno 7",
        "real: 520.5",
    ]


def test_tail_call_works_on_a_small_stack(build_plugin, native, run):
    plugin = build_plugin("""
import ctypes, epy
from ctypes import c_int

@epy.export
def leave(n: c_int) -> c_int:
    return epy.tail_call(ctypes.CDLL(None).abs, c_int(-41 - n))
""")
    result = run(native("stacks"), plugin, "64:leave", "coroutine:leave", "main:leave")
    assert result.stdout.splitlines() == [
        "64:leave = 42",
        "coroutine:leave = 42",
        "main:leave = 42",
    ]


def test_what_tail_call_cannot_pass_is_a_signature_error(build_plugin, compile_c, run):
    plugin = build_plugin(
        HEAD
        + """
@epy.export(error=-1)
def many(n: c_int) -> c_int:
    return epy.tail_call(host.host_error, b"", 1, 2, 3, 4, 5, 6)

@epy.export(error=-2)
def strange(n: c_int) -> c_int:
    return epy.tail_call(host.host_error, b"", object)

@epy.export(error=-3)
def typed(n: c_int) -> c_int:
    host.host_answer.argtypes = c_int, c_double, c_int
    return epy.tail_call(host.host_answer, 1, 2.0)

@epy.export(error=-4)
def null(n: c_int) -> c_int:
    return epy.tail_call(CFUNCTYPE(c_int)())
"""
    )
    result = run(host_of(compile_c), plugin, "8192", "many", "strange", "typed", "null")
    assert result.stdout.split() == ["many:", "-1", "strange:", "-2", "typed:", "-3", "null:", "-4"]
    errors = [line for line in result.stderr.splitlines() if line.startswith("epy._errors.")]
    assert [line.removeprefix("epy._errors.SignatureError: ") for line in errors] == [
        "epy.tail_call: a tail call passes its arguments in registers: at most 6 "
        "integers or pointers and 8 floating-point numbers",
        "epy.tail_call cannot pass <class 'object'>: give it a ctypes type, as in c_void_p(...)",
        "epy.tail_call: the function takes 3 arguments, not 2",
        "epy.tail_call got a null function: look it up first",
    ]


@pytest.mark.parametrize("stack", ["8192", "64"])
def test_a_jump_across_python_is_detected(build_plugin, compile_c, run, stack):
    plugin = build_plugin(
        HEAD
        + """
@epy.export
def jump(n: c_int) -> c_int:
    host.host_error(b"out")
    return 0
"""
    )
    result = run(host_of(compile_c), plugin, stack, "jump", "jump", status=-signal.SIGABRT)
    assert result.stdout == "jump jumped: out, errno 7\n"
    (line,) = result.stderr.splitlines()
    assert f"export 'jump' of {plugin} " in line
    assert "was left by a jump" in line
    assert "epy.tail_call" in line


@pytest.mark.parametrize("stack", LEFT_STACKS)
def test_a_jump_that_kept_the_lock_is_detected_at_the_threads_end(
    build_plugin, compile_c, run, stack
):
    """Nobody else would get it."""
    plugin = build_plugin(
        HEAD
        + """
import ctypes

@epy.export
def jump(n: c_int) -> c_int:
    ctypes.PyDLL(None).host_error(b"out")
    return 0
"""
    )
    result = run(host_of(compile_c), plugin, stack, "jump", status=-signal.SIGABRT)
    assert result.stdout == "jump jumped: out, errno 7\n"
    assert result.stderr.startswith("epy: export 'jump' was left by a jump (longjmp, ")
    assert result.stderr.count("\n") == 1


def test_call_raises_what_a_callback_below_it_raised(build_plugin, compile_c, run):
    plugin = build_plugin(
        HEAD
        + """
@epy.callback("int f(int n)", error=-9)
def failing(n):
    raise KeyError(f"n is {n}")

@epy.export
def catch(n: c_int) -> c_int:
    host.host_twice.restype = c_int
    try:
        epy.call(host.host_twice, failing, n)
    except KeyError as error:
        print(error.args, error.epy_result, error.__notes__, flush=True)
        return 1
    return 0

@epy.export(error=-1)
def plain(n: c_int) -> c_int:
    return host.host_twice(failing, n)
"""
    )
    result = run(host_of(compile_c), plugin, "8192", "catch", "plain")
    assert result.stdout.splitlines() == [
        "('n is 5',) -9009 ['1 more exception of callbacks followed']",
        "catch: 1",
        "plain: -9009",
    ]
    assert result.stderr.count("KeyError: ") == 2  # of `plain`, each callback reports its own


def test_a_callback_hides_the_call_above_it_from_those_below(build_plugin, compile_c, run):
    plugin = build_plugin(
        HEAD
        + """
@epy.callback("int f(int n)", error=-9)
def failing(n):
    raise KeyError("deep")

@epy.callback("int f(int n)")
def between(n):
    return host.host_twice(failing, n)

@epy.export
def shallow(n: c_int) -> c_int:
    return epy.call(host.host_twice, between, n)
"""
    )
    result = run(host_of(compile_c), plugin, "8192", "shallow")
    assert result.stdout == f"shallow: {-9009 * 1000 - 9009}\n"
    assert result.stderr.count("KeyError: 'deep'") == 1 and "... 3 more\n" in result.stderr


def test_calls_nest(build_plugin, compile_c, run):
    plugin = build_plugin(
        HEAD
        + """
@epy.callback("int f(int n)", error=-1)
def inner(n):
    raise KeyError("inner")

@epy.callback("int f(int n)", error=-2)
def outer(n):
    try:
        epy.call(host.host_twice, inner, n)
    except KeyError as error:
        raise ValueError("outer") from error

@epy.export
def nest(n: c_int) -> c_int:
    try:
        epy.call(host.host_twice, outer, n)
    except ValueError as error:
        print(repr(error), repr(error.__cause__), error.epy_result, flush=True)
    return epy.call(host.abs, -n)
"""
    )
    result = run(host_of(compile_c), plugin, "8192", "nest")
    assert result.stdout.splitlines() == [
        "ValueError('outer') KeyError('inner') -2002",
        "nest: 5",
    ]
    assert result.stderr == ""
