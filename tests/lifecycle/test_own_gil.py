"""Plugins with an interpreter of their own, which has its own lock (GIL): `--isolation own-gil`."""

from __future__ import annotations

import sys

import pytest

SINCE = (3, 13)
OWN = ("--isolation", "own-gil")

# Two plugins of one script: each says which interpreter it runs in.
WHO = """
import ctypes, sys, epy

sys.who = {who}  # what no other interpreter has
INT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
host = epy.header("void host_keep(int (*function)(int)); int host_apply_kept(int number);")

@epy.export("int who{who}(int)", error=-1)
def who(number):
    return sys.who * 100 + number

@epy.export("int hundred(void)", error=-1)
def hundred():
    return 100

@epy.callback("int f(int)", error=-2)
def down(number):
    return number * 10 + sys.who

@epy.export("int keep{who}(void)", error=-1)
def keep():
    host.host_keep(down)
    return 0

@epy.export("int through{who}(int)", error=-1)
def through(number):
    return host.host_apply_kept(number) * 10 + sys.who
"""
SPIN = """
import ctypes, sys, epy

@epy.export("int spin(void *flags, int here)", error=-1)
def spin(flags, here):
    sys.setswitchinterval(1000)
    both = (ctypes.c_byte * 2).from_address(flags)
    both[here] = 1
    while not both[1 - here]:
        pass
    return 10 + here
"""
SPINNING_HOST = r"""
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static char flags[2];
static int (*spin[2])(char *, int);
static int results[2];

static void *run(void *argument) {
    int here = argument != NULL;
    results[here] = spin[here](flags, here);
    return NULL;
}

int main(void) {
    spin[0] = (int (*)(char *, int))dlsym(dlopen("./a.so", RTLD_NOW), "spin");
    spin[1] = (int (*)(char *, int))dlsym(dlopen("./b.so", RTLD_NOW), "spin");
    pthread_t threads[2];
    for (int i = 0; i < 2; ++i) {
        pthread_create(&threads[i], NULL, run, i ? flags : NULL);
    }
    for (int i = 0; i < 2; ++i) {
        pthread_join(threads[i], NULL);
    }
    printf("%d %d\n", results[0], results[1]);
    return 0;
}
"""
KEPT = """
import epy
host = epy.header("void host_keep(int (*function)(int));")

@epy.callback("int add(int number)", error=-3)
def add(number):
    return number + 10

@epy.export("int keep(void)", error=-1)
def keep():
    return host.host_keep(add) or 0
"""
COUNT = "run import _interpreters; print(len(_interpreters.list_all()), flush=True)"


@pytest.fixture
def build_own(build_for):
    """`build_own(script, ...)`: a plugin with an interpreter of its own, for the host's Python."""
    return lambda script, *arguments, **options: build_for(script, *OWN, *arguments, **options)


def test_two_that_spin_on_each_other_run_at_once(build_own, compile_c, run):
    """Neither gives its lock up; the host has no Python of its own."""
    for name in "ab":
        build_own(SPIN, name=name)
    assert run(compile_c(SPINNING_HOST, "-ldl", "-pthread")).stdout == "10 11\n"


def test_each_answers_from_its_own_interpreter(host, build_own, build_for):
    """On any thread, in a host that has Python's lock, gave it up, or never saw Python."""
    for who, build in ((1, build_own), (2, build_own), (3, build_for)):
        build(WHO.format(who=who), name=f"p{who}")
    calls = " | ".join(f"call {who}:who{who} {who}" for who in (1, 2, 3))
    thread = calls.replace(" | ", " ; ")
    words = host(
        "initialize | open ./p1.so 1 | open ./p2.so 2 | open ./p3.so 3 | "
        f"{calls} | save | {calls} | thread {thread} | restore | {calls} | finalize"
    )
    assert words == ["101", "202", "303"] * 4 + ["finalized:", "0"]


def test_calls_nest_from_one_to_the_other_and_back(host, build_own):
    """The host calls A, A calls the host, which calls B's callback; and with three in between."""
    for who in (1, 2):
        build_own(WHO.format(who=who), name=f"p{who}")
    words = host(
        "initialize | open ./p1.so 1 | open ./p2.so 2 | call 2:keep2 | call 1:through1 5 | "
        "call 2:through2 5 | call 1:keep1 | call 2:through2 5 | save | call 2:through2 6 | "
        "thread call 2:through2 7 ; call 1:through1 7 | restore | finalize"
    )
    assert words[:-2] == ["0", "521", "522", "0", "512", "612", "712", "711"]


DROPPING = """
import epy

@epy.export("int drop(int)", error=-1)
def drop(count):
    for number in range(count):
        epy.callback("const char *f(void)", str, error=f"the text of {number}")
    return count
"""


def test_what_one_has_dropped_stays_its_own(host, build_own):
    """What is left of a callback is memory of its interpreter, which frees it."""
    for name in "ab":
        build_own(DROPPING, name=name)
    calls = "call 1:drop 6000 | call 2:drop 6000"
    words = host(
        f"initialize | open ./a.so 1 | open ./b.so 2 | {calls} | {calls} | save | "
        "thread call 1:drop 6000 ; call 2:drop 6000 | close 1 | call 2:drop 6000 | restore | "
        "finalize"
    )
    assert words == ["6000"] * 7 + ["finalized:", "0"]


def test_its_interpreter_goes_with_it(host, build_own):
    """As often as it is loaded; what shares the main interpreter stays as it is."""
    build_own(WHO.format(who=1), name="p1")
    rounds = " | ".join(["open ./p1.so 1 | call 1:who1 7 | close 1"] * 5)
    words = host(f"initialize | {COUNT} | save | {rounds} | restore | {COUNT} | finalize")
    assert words == ["1", *["107"] * 5, "1", "finalized:", "0"]


def test_its_memory_comes_back(build_own, native, run, python):
    """Its interpreter would keep megabytes each time, as every one does in CPython 3.13."""
    if python.version < (3, 14):
        pytest.skip("not run: CPython 3.13 does not give an ended interpreter's memory back")
    build_own(WHO.format(who=1))
    result = run(native("call"), "cycle 100 ./plugin.so hundred")
    number, growth = result.stdout.split()
    assert number == "100"
    assert int(growth) < 8 * 1024  # KB


SLOW = """
import time, epy

def wait():
    time.sleep(7)  # other threads ask what this start waits for, and say that it lasts

wait()

@epy.export("int one(void)", error=-1)
def one():
    return 1
"""


def test_a_start_that_others_wait_for_keeps_its_memory(host, build_own):
    """Nothing of another interpreter's is made of it while it runs."""
    build_own(SLOW)
    words = host(
        "initialize | open ./plugin.so | save | start call one | call one | join | restore | "
        "finalize",
        said="has been waiting for 6 s for its start",
    )
    assert words == ["1", "1", "finalized:", "0"]


COUNTING = """
import threading, epy

here = threading.local()

@epy.export("int count(void)", error=-1)
def count():
    here.calls = getattr(here, "calls", 0) + 1
    return here.calls
"""


def test_what_a_thread_has_is_there_in_its_next_call(host, build_own):
    """Until the thread or the plugin goes: then it begins anew."""
    build_own(COUNTING)
    words = host(
        "initialize | save | open ./plugin.so | call count | call count | "
        "thread call count ; call count | thread call count | call count | close | "
        "open ./plugin.so | call count | thread call count | restore | finalize"
    )
    assert words == ["1", "2", "1", "2", "1", "3", "1", "1", "finalized:", "0"]


HOOKS = """
import atexit, sys, threading, epy

ended = threading.Event()

def work():
    ended.wait()
    print("thread", flush=True)

@epy.export("int begin(void)", error=-1)
def begin():
    threading.Thread(target=work).start()
    return 0

@epy.export("int nothing(void)", error=-1)
def nothing():
    return 1

@epy.on_unload
def leave():
    print("unload", flush=True)
    ended.set()

atexit.register(print, "exit", flush=True)
"""


def test_hooks_run_and_threads_end_at_the_unload(host, build_own):
    build_own(HOOKS)
    words = host(
        f"initialize | open ./plugin.so | call begin | save | close | restore | {COUNT} | finalize"
    )
    assert words[0] == "0"
    assert [word for word in words[1:4] if word != "thread"] == ["unload", "exit"]
    assert words[4:] == ["1", "finalized:", "0"]


# `close` does not wait where the lock is held. Threads of the host and the script stay, and TSan's.
HELPER_IS_GONE = """import os, time
while len(os.listdir("/proc/self/task")) != 2 + ("libtsan" in os.getenv("LD_PRELOAD", "")):
    time.sleep(0.01)"""


def test_a_thread_that_stays_keeps_the_interpreter(host, build_own):
    """Python cannot end it; everything else goes on."""
    build_own("""
import _thread, time, epy

@epy.export("int begin(void)", error=-1)
def begin():
    _thread.start_new_thread(time.sleep, (3600,))
    return 0
""")
    said = "its interpreter stays, because a thread still runs there"
    ends = f"run {HELPER_IS_GONE} | {COUNT} | _exit 0"
    words = host(f"initialize | open ./plugin.so | call begin | close | {ends}", said)
    assert words == ["0", "2"]


def test_hooks_run_when_the_host_finalizes(host, build_own):
    build_own(HOOKS)
    words = host("initialize | open ./plugin.so | call nothing | finalize")
    assert words == ["1", "unload", "exit", "finalized:", "0"]


def test_what_the_host_has_kept_returns_its_error_value_when_python_is_gone(host, build_own):
    build_own(KEPT)
    steps = "initialize | open ./plugin.so | call keep | kept 1 | finalize | kept 1"
    words = host(steps, "the host has finalized Python: calls return their error values")
    assert words == ["0", "11", "finalized:", "0", "-3"]


def test_hooks_run_when_a_host_without_python_exits(build_own, native, run):
    build_own(HOOKS)
    result = run(native("call"), "open ./plugin.so", "int nothing")
    assert result.stdout.split() == ["1", "unload", "exit"]
    assert result.stderr == ""


def test_a_forked_child_goes_on(host, build_own):
    build_own(WHO.format(who=1))
    words = host(
        "initialize | open ./plugin.so | call who1 1 | save | fork call who1 2 ; _exit 0 | "
        "call who1 3 | restore | finalize"
    )
    assert words == ["101", "102", "child:", "0", "103", "finalized:", "0"]


# The steps of daemon.c, and where the hooks and exit functions run.
FORKS = {"daemon": "child", "daemon close": "child", "daemon work": "child", "work": "starter"}


@pytest.mark.parametrize("steps", FORKS)
def test_hooks_run_once_in_a_host_that_forks(daemon_host, build_own, run, steps):
    """No interpreter of a child's forgets what its parent's has to run."""
    plugin = build_own("""
import atexit, epy, os

first = 0

def say(what):
    os.write(1, f"{what} {'starter' if os.getpid() == first else 'child'}\\n".encode())

@epy.export("int begin(void)", error=-1)
def begin():
    global first
    first = os.getpid()
    return 0

epy.on_unload(lambda: say("hook"))
atexit.register(say, "exit")
""")
    result = run(daemon_host, plugin, *steps.split())
    words = [f"exit {FORKS[steps]}", f"hook {FORKS[steps]}"]
    assert (sorted(result.stdout.splitlines()), result.stderr) == (words, "")


def test_an_extension_that_refuses_says_so(host, build_own):
    build_own("""
import epy

@epy.export("int f(void)", error=-7)
def f():
    try:
        import _curses
    except ImportError as error:
        print(str(error).replace(" ", "-"), flush=True)
    return 1
""")
    words = host("initialize | open ./plugin.so | call f | finalize")
    assert words[0] == "module-_curses-does-not-support-loading-in-subinterpreters"
    assert words[1:] == ["1", "finalized:", "0"]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this Python has such interpreters")
def test_an_older_python_refuses_it(build_own, native, run):
    plugin = build_own(WHO.format(who=1))
    older = {"EPY_PYTHON": sys.executable}
    result = run(native("call"), "open ./plugin.so", "int who1 1", env=older)
    assert result.stdout == "-1\n"
    version = ".".join(map(str, sys.version_info[:2]))
    assert result.stderr == (
        f"epy: {plugin}: was built with --isolation own-gil, which takes Python 3.13 or newer; "
        f"this process runs {version}\n"
    )


def test_a_standalone_one_has_epy_in_its_interpreter(build_own, native, run, python):
    """Its modules come out of the plugin there, too."""
    version = ".".join(map(str, python.version))
    plugin = build_own(WHO.format(who=4), "--standalone", "--cores", version)
    chosen = {"EPY_PYTHON": python.executable}
    result = run(native("call"), "open ./plugin.so", "int who4 5", env=chosen)
    assert result.stdout == "405\n"
    assert plugin.stat().st_size > 1_000_000


def test_epy_h_is_for_those_that_share(build_own, epy_host, run):
    build_own(WHO.format(who=1))
    host = epy_host(r"""
#include <dlfcn.h>
#include <epy.h>
#include <stdio.h>

int main(void) {
    void *library = dlopen("./plugin.so", RTLD_NOW);
    epy_plugin *plugin = epy_plugin_of(library);
    if (plugin == NULL || epy_start(plugin) != 0 || epy_call(plugin, "who1", "i", 1) == NULL) {
        printf("%s\n", epy_last_error());
    }
    return 0;
}
""")
    assert "has an interpreter of its own: call its exports" in run(host).stdout
