"""Python ends: the host finalizes it, whoever started it, or the process exits without that.

As uWSGI, collectd, FreeRADIUS and nbdkit do (they finalize also what they did not start), mod_wsgi
(in forked processes), and programs that initialize Python for each use.
"""

from __future__ import annotations

import sys

import pytest

import epy

pytestmark = pytest.mark.once("the host starts and ends a Python of its own")

SCRIPT = r"""
import atexit, epy
from ctypes import CFUNCTYPE, c_char_p, c_int, py_object, pythonapi

calls = 0

@epy.export(error=-1)
def count() -> c_int:
    global calls
    calls += 1
    return calls

@epy.export(error=b"failed")
def text() -> c_char_p:
    return b"text"

host = epy.header("void host_keep(int (*function)(int));")

@epy.callback("int add(int number)", error=-3)
def add(number):
    return number + 10

@epy.export(error=-1)
def keep() -> c_int:
    host.host_keep(add)
    pythonapi.Py_IncRef(py_object(add))  # as by an extension, which holds it for ever
    return 0

@epy.export(error=-1)
def later() -> c_int:
    atexit.register(say, "later")
    return 0

def say(what):
    print(what, calls, sep="", flush=True)

epy.on_unload(lambda: say("unload"))
atexit.register(say, "exit")
"""
# Who started Python, and how the host came to it.
STARTS = {
    "by the host": "initialize | open ./plugin.so | call count",
    "by epy, joined": "open ./plugin.so | call count | ensure",
    "by epy, taken over": "open ./plugin.so | call count | initialize",
}
HOOKS = "unload1 exit1 finalized: 0"
GONE = "the host has finalized Python: calls return their error values"
OWN = "run import atexit; atexit.register(print, 'host', flush=True)"
LAST = HOOKS.replace("final", "-1 final")
CALLS = (
    "import ctypes; call = ctypes.CDLL('./plugin.so').count; caller = type('Caller', (), "
    "{'__del__': lambda self, call=call, print=print: print(call(), flush=True)})()"
)
CLEAR = "run import atexit; atexit._clear()"
ENDS = {
    "and no call after it": ("finalize", HOOKS, ""),
    "and calls after it": (
        "finalize | call count | call count | text",
        f"{HOOKS} -1 -1 failed",
        GONE,
    ),
    "and calls from threads": (
        "finalize | thread call count | thread call count",
        f"{HOOKS} -1 -1",
        GONE,
    ),
    "and calls what it has kept": (
        "call keep | finalize | kept 1 | kept 2",
        f"0 {HOOKS} -3 -3",
        GONE,
    ),
    # What is loaded after the end finds a process without Python: Apache loads its modules again.
    "and loads a plugin": (
        "finalize | close | open ./plugin.so | call count",
        f"{HOOKS} 1 unload1 exit1",
        "",
    ),
    "and loads a plugin, and initializes it again": (
        "finalize | close | open ./plugin.so | call count | initialize | call count | finalize",
        f"{HOOKS} 1 2 unload2 exit2 finalized: 0",
        "",
    ),
    "and has exit functions": (f"{OWN} | finalize", f"host {HOOKS}", ""),
    "without exit functions": (f"{CLEAR} | finalize | call count", "finalized: 0 -1", GONE),
    "and its last functions call": ("last call count | finalize", LAST, GONE),
    "without exit functions, and its last functions call": (
        f"{CLEAR} | last call count | finalize",
        "-1 finalized: 0",
        GONE,
    ),
    "and its objects call, which die last": (f"run {CALLS} | finalize", LAST, GONE),
    "and exits": ("atexit call count | finalize | exit 3", f"{HOOKS} -1", GONE),
    "while it exits": ("atexit finalize | exit 3", HOOKS, ""),
    "in a child": (
        "fork call count; finalize; call count; exit 4 | _exit 3",
        "2 {exit2} finalized: 0 -1 child: 1024",
        GONE,
    ),
    "in a child without exit functions": (
        "fork run __import__('atexit')._clear(); finalize; exit 4 | _exit 3",
        "finalized: 0 child: 1024",
        "",
    ),
    "in a child, and its parent too": (
        "fork finalize | finalize",
        f"{{exit1}} finalized: 0 child: 0 {HOOKS}",
        "",
    ),
}


@pytest.fixture
def plugin(build_for):
    return build_for(SCRIPT)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("end", ENDS)
def test_a_host_finalizes_python(plugin, host, start, end, request):
    """Exit functions run in a child as they do there without plugins, if Python is the host's."""
    if "loads a plugin" in end:  # in a second Python
        request.getfixturevalue("ctypes_twice")
    commands, answers, said = ENDS[end]
    in_child = {"exit1": "exit1", "exit2": "exit2"} if start != "by epy, joined" else {}
    answers = answers.format(**{"exit1": "", "exit2": "", **in_child})
    words = host(f"{STARTS[start]} | {commands}", said, status=3 if "exit 3" in commands else 0)
    assert words == ["1", *answers.split()]


def test_a_host_that_has_initialized_nothing_finalizes_nothing(plugin, host):
    """As uWSGI, collectd and nbdkit do, which finalize at their ends in any case."""
    words = host("open ./plugin.so | call count | finalize | call count | thread finalize | text")
    assert words == ["1", "finalized:", "0", "2", "finalized:", "0", "text", "unload2", "exit2"]


# Dies while Python finalizes: lets a thread come, and waits until it has called, without the lock.
WAITING = """
import os, time
def wait(self, make=os.mkdir, is_there=os.access, sleep=time.sleep):
    make("dying")
    for _ in range(1000):
        if is_there("called", 0):
            break
        sleep(0.01)
waiting = type("Waiting", (), {"__del__": wait})()
"""


@pytest.mark.parametrize("start", ["by the host", "by epy, taken over"])
def test_a_thread_that_python_has_not_seen_does_not_come_while_it_finalizes(plugin, host, start):
    """It would have to wait for the lock, and CPython would end it, or stop it for ever."""
    words = host(
        f"{STARTS[start]} | start wait dying; call count; touch called | run {WAITING} | {CLEAR} | "
        "finalize",
        GONE,
    )
    assert words == ["1", "-1", "finalized:", "0"]


LATER = {
    # Whose functions a host's Python is given it does not say.
    "by the host": "later1 unload1 exit1",
    "by epy, joined": "unload1 later1 exit1",
    "by epy, taken over": "unload1 later1 exit1",
}


@pytest.mark.parametrize("start", STARTS)
def test_functions_that_a_call_registers_run_behind_hooks_too(plugin, host, start):
    words = host(f"{STARTS[start]} | call later | {OWN} | finalize")
    assert words == ["1", "0", "host", *LATER[start].split(), "finalized:", "0"]


HELD = r"""
import atexit, time, _ctypes

class Others(list):
    def __eq__(self, other):
        self.append(other)
        return False

def count():
    # dlclose with Python's lock leaves the unload to a thread that waits for it.
    for _ in range(1000):
        others = Others()
        atexit.unregister(others)
        if not any(it.__name__ in ("ended", "<lambda>") for it in others):
            break
        time.sleep(0.05)
    return len(others)

def once():
    library = _ctypes.dlopen("./plugin.so", 2)
    _ctypes.call_function(_ctypes.dlsym(library, "nothing"), ())
    _ctypes.dlclose(library)

once()
before = count()
for _ in range(20):
    once()
print(count() - before)
once()
count()
"""
TIDY = r"""
import atexit, epy

@epy.export("int nothing(void)", error=-1)
def nothing():
    return 0

def ended():
    raise SystemExit

atexit.register(ended)
epy.on_unload(lambda: atexit.unregister(ended))
"""


def test_an_unload_leaves_nothing_to_the_end(build_plugin, run):
    """Where Python is the host's, and its atexit module too."""
    build_plugin(TIDY)
    assert run(sys.executable, "-c", HELD).stdout == "0\n"


LEFT = {
    ("by the host", "exit 3"): "",
    ("by the host", "save | exit 3"): "unload1",
    ("by epy, joined", "exit 3"): "unload1 host exit1",
    ("by epy, joined", "save | exit 3"): "unload1 host exit1",
    ("by epy, taken over", "exit 3"): "unload1 exit1",
    ("by epy, taken over", "save | exit 3"): "unload1 exit1",
}


@pytest.mark.parametrize(("start", "over"), LEFT)
def test_a_process_exits_without_finalizing_python(plugin, host, start, over):
    """A host's own exit functions run only if it would finalize its Python."""
    words = host(f"{STARTS[start]} | {OWN} | {over}", status=3)
    assert words == ["1", *LEFT[start, over].split()]


AGAIN = {
    "by the host": "initialize | open ./plugin.so | call count | finalize",
    "by epy": "open ./plugin.so | call count | ensure | finalize",
}


@pytest.mark.usefixtures("ctypes_twice")
@pytest.mark.parametrize("start", AGAIN)
def test_plugins_start_again_in_a_python_that_the_host_has_initialized_again(plugin, host, start):
    words = host(
        f"{AGAIN[start]} | initialize | call count | save | thread call count | restore | "
        "call count | call keep | finalize | initialize | call count | kept 1 | call keep | "
        "kept 1 | finalize",
        "callback 'add' was called after it was dropped",
    )
    assert words == [
        *f"1 {HOOKS}".split(),
        *"1 2 3 0 unload3 exit3 finalized: 0".split(),
        *"1 -3 0 11 unload1 exit1 finalized: 0".split(),
    ]


@pytest.mark.usefixtures("ctypes_twice")
@pytest.mark.parametrize("start", AGAIN)
def test_so_does_one_side_by_side_with_its_script(epy, host, tmp_path, start):
    """Names that are in no file stay: the host has them from before."""
    epy("stub", "-o", "plugin.so")
    (tmp_path / "plugin.py").write_text(SCRIPT + "\nlevel = epy.export_data('level', c_int(40))\n")
    words = host(
        f"{AGAIN[start]} | find level | call count | text | value | initialize | value | "
        "call count | text | value | save | thread call count | restore | finalize | "
        "initialize | call count | call keep | kept 1 | value | finalize",
        GONE,
    )
    assert words == [
        *f"1 {HOOKS} -1 failed 40".split(),
        *"40 1 text 40 2 unload2 exit2 finalized: 0".split(),
        *"1 0 11 40 unload1 exit1 finalized: 0".split(),
    ]


WITHOUT_A_PLUGIN = f"""
import ctypes, sys
sys.path.append({epy.__path__[0].rpartition("/")[0]!r})
import epy

add = epy.callback(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int), lambda a: a + 10, error=-3)
ctypes.CDLL(None).host_keep(add)
"""
REFERENCES = {"by the script": "", "for ever": "ctypes.pythonapi.Py_IncRef(ctypes.py_object(add))"}


@pytest.mark.parametrize("held", REFERENCES)
def test_callbacks_of_a_python_that_imports_epy_alone_end_with_it(host, tmp_path, held):
    """No plugin has started, and none of epy's exit functions is there."""
    (tmp_path / "script.py").write_text(WITHOUT_A_PLUGIN + REFERENCES[held])
    words = host(
        "initialize | run exec(open('script.py').read()) | kept 1 | save | thread kept 2 | "
        "restore | finalize | kept 1 | thread kept 2"
    )
    assert words == ["11", "12", "finalized:", "0", "-3", "-3"]


STILL_INSIDE = r"""
import epy, os, time

@epy.export("int count(void)")
def count():
    return 1

@epy.export("int returns_at_the_end(int number)", error=-1)
def returns_at_the_end(number):
    open("inside", "w").close()
    while not os.path.exists("ending"):
        time.sleep(0.001)
    time.sleep(0.05)
    return number + 10

@epy.on_unload
def says_so():
    open("ending", "w").close()
"""


@pytest.mark.parametrize("start", STARTS)
def test_a_call_that_has_begun_returns_before_python_is_gone(build_for, host, start):
    build_for(STILL_INSIDE)
    words = host(
        f"{STARTS[start]} | save | start call returns_at_the_end 1 | wait inside | restore | "
        "finalize | join | call count",
        GONE,
    )
    assert words == ["1", "11", "finalized:", "0", "0"]
