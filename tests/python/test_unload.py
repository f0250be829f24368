"""dlclose, loading again, and the end of the process."""

from __future__ import annotations

import sys

import plugin_scripts
import pytest

COUNTER = (
    plugin_scripts.COUNTER
    + """
@epy.on_unload
def say_goodbye():
    print("unloaded at", count, flush=True)
"""
)


def test_a_plugin_that_is_loaded_again_starts_afresh(build_plugin, call):
    build_plugin(COUNTER)
    load = ["open ./plugin.so", "int count_up", "int count_up", "close"]
    assert call(*load, *load, *load) == 3 * ["1", "2", "unloaded at 2"]


def test_a_plugin_that_is_opened_twice_is_unloaded_at_the_last_close(build_plugin, call):
    build_plugin(COUNTER)
    assert call(
        *("open ./plugin.so", "open ./plugin.so", "int 0:count_up", "int 1:count_up"),
        *("close 0", "int 1:count_up", "close 1"),
    ) == ["1", "2", "3", "unloaded at 3"]


def test_other_plugins_go_on_when_one_is_unloaded(build_plugin, call):
    build_plugin(COUNTER, name="one")
    build_plugin(COUNTER.replace("unloaded", "two unloaded"), name="two")
    assert call(
        *("open ./one.so", "open ./two.so", "int 0:count_up", "int 1:count_up"),
        *("close 0", "int 1:count_up", "close 1"),
    ) == ["1", "1", "unloaded at 1", "2", "two unloaded at 2"]


def test_nothing_of_an_unloaded_script_stays(build_plugin, call):
    build_plugin("""
import builtins, epy, weakref
from ctypes import c_int

class Thing: ...

thing = Thing()
builtins.thing_of_plugin = weakref.ref(thing)

@epy.export
def touch() -> c_int:
    return thing is not None
""")
    build_plugin(
        """
import builtins, epy, sys
from ctypes import c_int

@epy.export
def remains() -> c_int:
    modules = sum(name.startswith("plugin@") for name in sys.modules)
    return 10 * modules + (builtins.thing_of_plugin() is not None)
""",
        name="probe",
    )
    assert call(
        *("open ./probe.so", "open ./plugin.so", "int 1:touch", "int 0:remains"),
        *("close 1", "int 0:remains"),
    ) == ["1", "11", "0"]


@pytest.mark.once("ctypes keeps POINTER() of classes that are nobody's")
def test_types_without_a_module_do_not_disturb_an_unload(build_plugin, call):
    build_plugin("""
import ctypes, epy
from ctypes import POINTER, c_int

class Odd(ctypes.Structure):
    _fields_ = [("x", c_int)]

class Numbered(ctypes.Structure):
    _fields_ = [("x", c_int)]

Odd.__module__ = None
Numbered.__module__ = 3
POINTER(Odd), POINTER(Numbered)

@epy.on_unload
def unloaded():
    print("hook", flush=True)

@epy.export
def touch() -> c_int:
    return 1
""")
    assert call("open ./plugin.so", "int 0:touch", "close 0") == ["1", "hook"]


def test_two_hundred_loads_and_unloads_do_not_grow_the_process(build_plugin, call):
    build_plugin("""
import epy
from ctypes import c_int

ballast = bytearray(1_000_000)

@epy.callback("int (*)(int)")
def helper(x):
    return x

@epy.export
def count() -> c_int:
    return len(ballast) // 1000
""")
    result, growth = call("cycle 200 ./plugin.so count")
    assert result == "1000"
    assert int(growth) < 8 * 1024  # KB; each script would keep 1 MB


def test_a_python_host_may_close_a_plugin_without_the_gil(build_plugin, run):
    plugin = build_plugin(COUNTER)
    host = f"""
import ctypes
library = ctypes.CDLL({str(plugin)!r})
print(library.count_up(), flush=True)
ctypes.CDLL(None).dlclose(ctypes.c_void_p(library._handle))
print("closed")
"""
    result = run(sys.executable, "-c", host)
    assert (result.stdout.splitlines(), result.stderr) == (["1", "unloaded at 1", "closed"], "")


def test_a_hook_that_takes_too_long_goes_on_in_the_background(build_plugin, native, run):
    build_plugin("""
import epy, os, time

@epy.export("int f(void)")
def f():
    return 1

@epy.on_unload
def linger():
    while not os.path.exists("go"):
        time.sleep(0.01)
    print("done at last", flush=True)
    open("gone", "w").close()
""")
    other = (
        COUNTER.replace("@epy.on_unload", "")
        + """
@epy.export("int let_go(void)")
def let_go():
    open("go", "w").close()
    return 2
"""
    )
    build_plugin(other, name="other")
    result = run(
        *(native("call"), "open ./plugin.so", "int f", "close", "open ./other.so"),
        *("int count_up", "int let_go", "await gone", "int count_up"),
    )
    lines = result.stdout.splitlines()
    assert sorted(lines[1:4]) == ["1", "2", "done at last"]
    assert (lines[0], lines[4:]) == ("1", ["2"])
    assert len(result.stderr.splitlines()) == 1
    assert "on_unload did not finish within 2 s" in result.stderr


def test_hooks_that_raise_do_not_stop_the_others(build_plugin, native, run):
    build_plugin(COUNTER + "\n@epy.on_unload\ndef fail():\n    raise ValueError('on purpose')\n")
    result = run(native("call"), "open ./plugin.so", "int count_up", "close")
    assert result.stdout.splitlines() == ["1", "unloaded at 1"]
    assert "exception in on_unload 'fail' of" in result.stderr
    assert "ValueError: on purpose" in result.stderr


@pytest.mark.once("a file that the first round leaves says when")
def test_a_plugin_may_be_closed_during_its_first_call(build_plugin, native, run):
    """The thread comes back through the loader, not through the plugin that is gone."""
    build_plugin(
        """
import epy, os, time

if not epy.building:
    open("starting", "w").close()
    while not os.path.exists("closed"):
        time.sleep(0.01)
"""
        + COUNTER
    )
    result = run(
        *(native("call"), "open ./plugin.so"),
        *("together int count_up | await starting touch closed close", "unmapped plugin.so"),
    )
    assert result.stdout == "-1\n"


def test_a_plugin_may_be_closed_during_a_call(build_plugin, native, run):
    build_plugin(
        COUNTER
        + """
import threading
unloaded = threading.Event()
epy.on_unload(unloaded.set)

@epy.export
def slow() -> c_int:
    open("called", "w").close()
    unloaded.wait()
    return 33
"""
    )
    result = run(
        *(native("call"), "open ./plugin.so", "int count_up"),
        "together int slow | await called close",
    )
    assert result.stdout.splitlines() == ["1", "unloaded at 1", "33"]


def test_threads_that_called_may_end_after_the_plugin(build_plugin, call):
    build_plugin(COUNTER)
    lines = call(
        *("open ./plugin.so", "together int count_up | int count_up", "close"),
        *("open ./plugin.so", "threads 3 int count_up", "close"),
    )
    assert (sorted(lines[:2]), lines[2]) == (["1", "2"], "unloaded at 2")
    assert (sorted(lines[3:6]), lines[6:]) == (["1", "2", "3"], ["unloaded at 3"])


AT_EXIT = """
import atexit, epy, sys
from ctypes import c_int

@epy.export
def work() -> c_int:
    sys.stdout.write("unfinished line")
    return 1

atexit.register(lambda: print("\\nexit function"))

@epy.on_unload
def hook():
    print("\\nhook", end="")
"""


@pytest.mark.once("the process's exit is looked at")
def test_process_exit_runs_hooks_then_exit_functions_then_flushes(build_plugin, call):
    """epy started this Python, so nobody else would."""
    build_plugin(AT_EXIT)
    expected = ["1", "unfinished line", "hook", "exit function"]
    assert call("open ./plugin.so", "int work") == expected


def test_a_python_host_runs_the_exit_functions_itself_once(build_plugin, run):
    plugin = build_plugin(AT_EXIT)
    host = f"import ctypes; ctypes.CDLL({str(plugin)!r}).work()"
    result = run(sys.executable, "-c", host)
    assert result.stdout.count("exit function") == 1
    assert result.stdout.startswith("unfinished line")
    assert result.stderr == ""


@pytest.mark.once("the process's exit is looked at")
def test_calls_from_the_hosts_exit_functions_are_served(build_plugin, compile_c, run):
    plugin = build_plugin(COUNTER)
    host = compile_c(r"""
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>

        static int (*count_up)(void);
        static void last(void) { printf("last: %d\n", count_up()); }

        int main(int argc, char **argv) {
            (void)argc;
            setvbuf(stdout, NULL, _IOLBF, 0);
            atexit(last); // registered first, so it runs after epy's
            count_up = (int (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "count_up");
            printf("first: %d\n", count_up());
            return 0;
        }
    """)
    result = run(host, plugin)
    assert result.stdout.splitlines() == ["first: 1", "unloaded at 1", "last: 2"]
    assert result.stderr == ""


@pytest.mark.once("the process's exit is looked at")
def test_exit_does_not_wait_for_ever_for_a_thread_that_keeps_the_gil(build_plugin, compile_c, run):
    plugin = build_plugin("""
import _thread, ctypes, epy, sys

sys.setswitchinterval(1000)  # the thread gets the lock when the export has returned

@epy.export("void start(void)")
def start():
    keep = ctypes.PyDLL(None).keep  # called with the lock
    _thread.start_new_thread(keep, ())
""")
    host = compile_c(
        r"""
        #include <dlfcn.h>
        #include <stdatomic.h>
        #include <unistd.h>

        static atomic_int kept;
        void keep(void) {
            kept = 1;
            for (;;) pause();
        }

        int main(int argc, char **argv) {
            ((void (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "start"))();
            while (!kept) usleep(1000);
            return 0;
        }
        """,
        "-rdynamic",
    )
    result = run(host, plugin)
    assert "did not give the interpreter up within 2 s" in result.stderr


@pytest.mark.once("the process's exit is looked at")
def test_a_daemon_thread_of_the_script_does_not_disturb_the_exit(build_plugin, call):
    build_plugin("""
import epy, threading
from ctypes import c_int

def spin():
    while True:
        sum(range(1000))

@epy.export
def start() -> c_int:
    for _ in range(3):
        threading.Thread(target=spin, daemon=True).start()
    return 1

@epy.on_unload
def hook():
    print("hook")
""")
    assert call("open ./plugin.so", "int start") == ["1", "hook"]


def test_a_python_host_runs_hooks_when_it_exits(build_plugin, run):
    plugin = build_plugin(COUNTER)
    host = f"import ctypes; print(ctypes.CDLL({str(plugin)!r}).count_up(), flush=True)"
    result = run(sys.executable, "-c", host)
    assert result.stdout.splitlines() == ["1", "unloaded at 1"]
    assert result.stderr == ""
