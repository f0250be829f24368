"""Waits that could last for ever: circles through Python, and lines that say who waits."""

from __future__ import annotations

import re
import sys

import pytest

pytestmark = pytest.mark.once("each wait takes until its line is said, ten seconds and more")

SCRIPT = """
import ctypes, epy, threading
from ctypes import c_int

got = []
{at_start}

@epy.export(error=-9)
def {name}() -> c_int:
    return got[0] if got else 7
"""

CALL_AND_JOIN = """
if not epy.building:
    other = ctypes.CDLL(epy.plugin.folder + "/{}.so")
    thread = threading.Thread(target=lambda: got.append(other.{}()))
    thread.start()
    thread.join()
"""


def test_a_circle_of_starts_through_join_ends_with_an_error_value(build_plugin, native, run):
    one = build_plugin(
        SCRIPT.format(at_start=CALL_AND_JOIN.format(*2 * ["two"]), name="one"), name="one"
    )
    two = build_plugin(
        SCRIPT.format(at_start=CALL_AND_JOIN.format(*2 * ["one"]), name="two"), name="two"
    )
    result = run(native("call"), f"open {one}", "int one")
    assert result.stdout == "-9\n"
    assert result.stderr == (
        f"epy: {one}: 'one' was called by its own plugin's start (through that of {two}) before "
        "the script defined it; it returned its error value. Call it from on_load or later\n"
    )


def test_a_script_that_joins_a_thread_that_calls_its_own_plugin(build_plugin, native, run):
    script = SCRIPT.format(at_start=CALL_AND_JOIN.format(*2 * ["one"]), name="one")
    plugin = build_plugin(script, name="one")
    result = run(native("call"), f"open {plugin}", "int one")
    assert result.stdout == "-9\n"
    assert len(result.stderr.splitlines()) == 1


def test_a_circle_through_an_import(build_plugin, run, tmp_path):
    """One thread imports a module that calls the plugin, whose start imports that module."""
    plugin = build_plugin(SCRIPT.format(at_start="if not epy.building: import shared", name="one"))
    (tmp_path / "shared.py").write_text(
        "import host\nhost.importing.set()\nhost.starting.wait()\nvalue = host.plugin.one()\n"
    )
    (tmp_path / "host.py").write_text(f"""
import ctypes, threading, sys
sys.modules["host"] = sys.modules["__main__"]
importing, starting = threading.Event(), threading.Event()
plugin = ctypes.CDLL({str(plugin)!r})
thread = threading.Thread(target=lambda: __import__("shared"))
thread.start()
importing.wait()
threading.Timer(0.5, starting.set).start()
print(plugin.one())
thread.join()
print(sys.modules["shared"].value)
""")
    result = run(sys.executable, "host.py")
    assert result.stdout.splitlines() == ["7", "-9"]
    assert len(result.stderr.splitlines()) == 1


def test_who_waits_for_a_start_for_seconds_says_so_once(build_plugin, native, run):
    at_start = "import time\nif not epy.building: open('started', 'w').close(), time.sleep(8)"
    plugin = build_plugin(SCRIPT.format(at_start=at_start, name="one"))
    wait = "await started int one"
    result = run(native("call"), f"open {plugin}", f"together int one | {wait} | {wait}")
    assert result.stdout.splitlines() == ["7", "7", "7"]
    assert re.fullmatch(
        f"epy: {plugin}: thread \\d+ has been waiting for 6 s for its start, which runs in thread "
        r"\d+: a script must not wait at its start for a thread that calls its plugin\n",
        result.stderr,
    )


KEEPS_THE_GIL = """
import ctypes, epy

@epy.export("void keep_the_gil(void *function)")
def keep_the_gil(function):
    ctypes.PYFUNCTYPE(None)(function)()
"""

KEEPING_HOST = r"""
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int kept;
static void (*keep_the_gil)(void (*)(void));
static void keep(void) { kept = 1; sleep(7); }
static void *run(void *unused) { keep_the_gil(keep); return unused; }

// PLUGIN [ANOTHER [close]]: calls the other one for the first time, or closes it, or forks.
int main(int argc, char **argv) {
    pthread_t thread;
    void *other = argc > 2 ? dlopen(argv[2], RTLD_NOW) : NULL;
    if (argc > 3) {
        ((int (*)(void))dlsym(other, "one"))();
    }
    keep_the_gil = (void (*)(void (*)(void)))dlsym(dlopen(argv[1], RTLD_NOW), "keep_the_gil");
    pthread_create(&thread, NULL, run, NULL);
    while (!kept) usleep(1000);
    if (argc > 3) {
        dlclose(other);
    } else if (argc > 2) {
        printf("%d\n", ((int (*)(void))dlsym(other, "one"))());
    } else if (fork() == 0) {
        _exit(0);
    } else {
        wait(NULL);
    }
    pthread_join(thread, NULL);
}
"""

WAITS_FOR_THE_GIL = (
    "has been waiting for Python's interpreter lock for 5 s: another thread keeps it, and must not "
    "wait for this one\n"
)


def test_a_start_that_waits_for_the_gil_says_so(build_plugin, compile_c, run):
    keeper = build_plugin(KEEPS_THE_GIL, name="keeper")
    plugin = build_plugin(SCRIPT.format(at_start="", name="one"))
    result = run(compile_c(KEEPING_HOST), keeper, plugin)
    assert (result.stdout, result.stderr) == ("7\n", f"epy: {plugin}: {WAITS_FOR_THE_GIL}")


def test_an_unload_that_waits_for_the_gil_says_so(build_plugin, compile_c, run):
    keeper = build_plugin(KEEPS_THE_GIL, name="keeper")
    hook = SCRIPT.format(at_start="epy.on_unload(lambda: print('hook', flush=True))", name="one")
    plugin = build_plugin(hook)
    result = run(compile_c(KEEPING_HOST), keeper, plugin, "close")
    assert (result.stdout, result.stderr) == (
        "hook\n",
        f"epy: {plugin}: dlclose has waited 2 s for Python's interpreter lock, which another "
        "thread keeps; on_unload runs in the background, once that gives it up\n",
    )


def test_a_fork_that_waits_for_the_gil_says_so(build_plugin, compile_c, run):
    result = run(compile_c(KEEPING_HOST), build_plugin(KEEPS_THE_GIL))
    assert result.stderr == f"epy: fork: {WAITS_FOR_THE_GIL}"


def test_exit_functions_that_take_long_are_named(build_plugin, native, run):
    at_start = "import atexit, time\nif not epy.building: atexit.register(time.sleep, 6)"
    plugin = build_plugin(SCRIPT.format(at_start=at_start, name="one"))
    result = run(native("call"), f"open {plugin}", "int one")
    assert result.stderr == (
        "epy: exit: Python's exit functions have been running for 5 s; the process ends when they "
        "are over\n"
    )


def test_an_exit_that_waits_for_a_hook_says_so(build_plugin, native, run):
    script = (
        SCRIPT.format(at_start="", name="one")
        + "\nimport time\nepy.on_unload(lambda: time.sleep(8))\n"
    )
    plugin = build_plugin(script)
    result = run(native("call"), f"open {plugin}", "int one", "close")
    assert result.stdout == "7\n"
    first, second = result.stderr.splitlines()
    assert first.startswith(f"epy: {plugin}: on_unload did not finish within 2 s")
    assert second == (
        f"epy: {plugin}: the end has waited 2 s for an on_unload hook that runs in another thread, "
        "and goes on beside it"
    )
