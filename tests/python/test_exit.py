"""How a process with plugins ends, and what of a script runs then."""

import sys

import pytest

pytestmark = pytest.mark.once("the process's exit is looked at")

SCRIPT = """
import atexit, ctypes, epy, os, sys, time
from ctypes import CFUNCTYPE, c_int

def say(text):
    print(text, own(), flush=True)

@epy.export(error=-1)
def one() -> c_int:
    return 1

@epy.on_load
def find_own():
    global own
    own = CFUNCTYPE(c_int)(one.address)  # as a host has it

epy.on_unload(lambda: say("on_unload"))
atexit.register(say, "exit function")

@epy.export(error=-1)
def exits() -> c_int:
    ctypes.CDLL(None).exit(3)

@epy.export(error=-1)
def exits_with_the_gil() -> c_int:
    ctypes.PyDLL(None).exit(3)

@epy.export(error=-1)
def ends_at_once() -> c_int:
    os._exit(3)

@epy.export(error=-1)
def quits() -> c_int:
    sys.exit(3)

@epy.export(error=-1)
def sleeps() -> c_int:
    open("sleeping", "w").close()
    time.sleep(1000)

@epy.export(error=-1)
def spins() -> c_int:
    open("sleeping", "w").close()
    while True:
        pass

@epy.export(error=-1)
def exits_in_hooks() -> c_int:
    epy.on_unload(exits.__wrapped__)
    return 1

@epy.export(error=-1)
def exits_in_exit_functions() -> c_int:
    atexit.register(exits.__wrapped__)
    return 1

@epy.export(error=-1)
def raises_at_exit() -> c_int:
    epy.on_unload(sys.exit)
    atexit.register(sys.exit, 4)
    return 1
"""
END = ["on_unload 1", "exit function 1"]
WAYS = {
    "call exits": (3, END),
    "call exits_with_the_gil": (3, END),
    "call ends_at_once": (3, []),
    "call quits": (0, ["quits: -1", *END]),
    "call one exit-in-thread": (5, ["one: 1", *END]),
    "thread exits pthread_exit": (3, END),
    "thread exits_with_the_gil pthread_exit": (3, END),
    "thread sleeps wait sleeping": (0, END),
    "thread spins wait sleeping": (0, END),
    "thread sleeps wait sleeping exit-in-thread": (5, END),
    "thread spins wait sleeping call exits": (3, END),
    "call one thread one pthread_exit": (0, ["one: 1", "one: 1", *END]),
    "call exits_in_hooks": (3, ["exits_in_hooks: 1"]),
    "call exits_in_exit_functions": (3, ["exits_in_exit_functions: 1", "on_unload 1"]),
    "call raises_at_exit": (0, ["raises_at_exit: 1", *END]),
    "call one atexit quits": (0, ["one: 1", "quits: -1", *END]),
    "atexit quits call one": (0, ["one: 1", *END, "quits: -1"]),
    "call one atexit-close": (0, ["one: 1", *END]),
    "atexit-close call one": (0, ["one: 1", *END]),
    "call one close": (0, ["one: 1", *END]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_process_ends_in_any_way(build_plugin, native, run, way):
    status, lines = WAYS[way]
    words = way.split()
    first = words.index("atexit-close") if words[0] == "atexit-close" else -1
    plugin = build_plugin(SCRIPT)
    command = [*words[: first + 1], "open", plugin, *words[first + 1 :]]
    result = run(native("exits"), *command, status=status)
    assert result.stdout.split("\n")[:-1] == lines, result.stderr
    assert "within 2 s" not in result.stderr


EXITS_ON_ITS_THREAD = """
import atexit, ctypes, epy
from ctypes import c_int
from _thread import get_ident

def leave(library):
    exiting = get_ident()
    atexit.register(lambda: print("same thread", get_ident() == exiting, flush=True))
    library.exit(3)

@epy.export
def exits() -> c_int:
    leave(ctypes.CDLL(None))

@epy.export
def exits_with_the_gil() -> c_int:
    leave(ctypes.PyDLL(None))
"""


@pytest.mark.parametrize("function", ["exits", "exits_with_the_gil"])
@pytest.mark.parametrize("way", ["call {}", "thread {} pthread_exit"])
def test_exit_functions_run_on_the_thread_that_exits(build_plugin, native, run, way, function):
    """As exit's own do: the C library lets no other thread call exit then."""
    words = way.format(function).split()
    result = run(native("exits"), "open", build_plugin(EXITS_ON_ITS_THREAD), *words, status=3)
    assert result.stdout == "same thread True\n"


def test_exit_while_the_script_starts(build_plugin, native, run):
    script = "import ctypes, epy\nif not epy.building:\n    ctypes.CDLL(None).exit(4)\n" + SCRIPT
    for extra in ([], ["--eager"]):
        plugin = build_plugin(script, *extra)
        assert run(native("exits"), "open", plugin, "call", "one", status=4).stdout == ""


EXIT_FUNCTIONS = """
import atexit, epy, logging
from ctypes import c_int

class Handler(logging.Handler):
    def flush(self):
        print("flushed", flush=True)

class Late:
    def __eq__(self, other):
        raise ZeroDivisionError

    def __call__(self):
        print("late", flush=True)

@epy.export(error=-1)
def one() -> c_int:
    return 1

@epy.export(error=-1)
def log() -> c_int:
    global handler
    handler = Handler()
    return 2

@epy.export(error=-1)
def many() -> c_int:
    atexit.register(print, "taken back")
    atexit.register(print, 1, 2, sep="-", flush=True)
    atexit.register(handler_of_no_use)
    atexit.unregister(handler_of_no_use)

    @atexit.register
    def fails():
        raise ValueError("on purpose")

    atexit.register(Late())
    return 3

def handler_of_no_use():
    print("never")
"""


def test_exit_functions_of_a_script_run_once_when_its_plugin_goes(build_plugin, native, run):
    plugin = build_plugin(EXIT_FUNCTIONS)
    for over in (["close"], []):
        result = run(native("exits"), "open", plugin, "call", "many", *over)
        assert result.stdout.split("\n") == ["many: 3", "late", "1-2", "taken back", ""]
        assert result.stderr.count("ValueError: on purpose") == 1
        assert "fails" in result.stderr


def test_exit_functions_of_libraries_run_when_the_process_exits(build_plugin, native, run):
    first, second = (build_plugin(EXIT_FUNCTIONS, name=name) for name in ("first", "second"))
    commands = [f"open {first}", "int one", f"open {second}", "int log", "close 0", "int one"]
    assert run(native("call"), *commands).stdout.split() == ["1", "2", "1", "flushed"]


def test_a_python_host_runs_exit_functions_itself(build_plugin, run):
    build_plugin(EXIT_FUNCTIONS)
    host = "import ctypes\nctypes.CDLL('./plugin.so').many()\nprint('end', flush=True)\n"
    result = run(sys.executable, "-c", host)
    assert result.stdout.split("\n") == ["end", "late", "1-2", "taken back", ""]
