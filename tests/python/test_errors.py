"""Whatever Python raises: the host gets the declared error value, and stderr one report."""

from __future__ import annotations

import re
import sys
import sysconfig

import pytest

HEADER = re.compile(r"^epy: exception in export '(\w+)' of .*, thread MainThread:$", re.M)

RAISING = """
import epy, sys
from ctypes import CFUNCTYPE, c_int

class Base(BaseException): ...

class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("in __str__")
    __repr__ = __str__

class Unmakeable(Exception):
    def __init__(self):
        raise LookupError("in __init__")

class Unfit:
    def __index__(self):
        raise ZeroDivisionError("in __index__")

class Hostile(Exception):
    def __getattribute__(self, name):
        raise Base(name)
    def __eq__(self, other):
        raise Base("equal")
    __hash__ = None

def with_cycle():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first

def with_chain():
    error = ValueError("the first of many")
    for i in range(5000):
        after = ValueError(i)
        after.__context__ = error
        error = after
    return error

def with_notes():
    error = ValueError("noted")
    error.add_note("a note")
    return error

def with_bad_notes():
    error = ValueError("badly noted")
    error.__notes__ = 5
    return error

def nested_group():
    group = ValueError("innermost")
    for i in range(400):
        group = ExceptionGroup(str(i), [group])
    return group

EXCEPTIONS = {
    "exit": lambda: SystemExit(3),
    "exit_with_text": lambda: SystemExit("text of exit"),
    "interrupt": KeyboardInterrupt,
    "generator_exit": GeneratorExit,
    "stop": lambda: StopIteration(5),
    "stop_async": StopAsyncIteration,
    "base": lambda: Base("of my own"),
    "unprintable": Unprintable,
    "unmakeable": lambda: Unmakeable,
    "hostile": Hostile,
    "group": lambda: ExceptionGroup("two", [ValueError("one of two"), KeyboardInterrupt()][:1]),
    "base_group": lambda: BaseExceptionGroup("all", [SystemExit(1), KeyboardInterrupt()]),
    "nested_group": nested_group,
    "notes": with_notes,
    "bad_notes": with_bad_notes,
    "cycle": with_cycle,
    "chain": with_chain,
    "long_text": lambda: ValueError("x" * 1_000_000),
    "surrogates": lambda: ValueError("half \\udc80 a character, \\0 and \\x1b"),
    "bad_syntax": lambda: SyntaxError("message", (1, "line", object(), b"")),
}

for name, make in EXCEPTIONS.items():
    @epy.export(CFUNCTYPE(c_int), name=name, error=-7)
    def throw(make=make):
        raise make()

@epy.export(error=-7)
def no_memory() -> c_int:
    [0] * sys.maxsize

@epy.export(error=-7)
def called_exit() -> c_int:
    sys.exit()

@epy.export(error=-7)
def unfit_result() -> c_int:
    return Unfit()

@epy.export(CFUNCTYPE(c_int), error=-7)
def takes_more(*arguments):
    return (lambda one, two: 1)(*arguments)

@epy.export
def alive() -> c_int:
    return 1 if sys.exc_info() == (None, None, None) else 0
"""

# What the report ends with, or has in it.
SHOWN = {
    "exit": "SystemExit: 3\n",
    "exit_with_text": "SystemExit: text of exit\n",
    "interrupt": "KeyboardInterrupt\n",
    "generator_exit": "GeneratorExit\n",
    "stop": "StopIteration: 5\n",
    "stop_async": "StopAsyncIteration\n",
    "base": "Base: of my own\n",
    "unprintable": "Unprintable: <exception str() failed>\n",
    "unmakeable": "LookupError: in __init__\n",
    "hostile": "Hostile",
    "group": "ValueError: one of two\n",
    "base_group": "| SystemExit: 1\n",
    "nested_group": "ExceptionGroup: 399",
    "notes": "ValueError: noted\na note\n",
    "bad_notes": "ValueError: badly noted\n",
    "cycle": "ValueError: first\n",
    "chain": "ValueError: 4999\n",
    "long_text": "x" * 1_000_000,
    "surrogates": "ValueError: half \\udc80 a character",
    "bad_syntax": "SyntaxError",
    "no_memory": "MemoryError\n",
    "called_exit": "SystemExit\n",
    "unfit_result": "ZeroDivisionError: in __index__\n",
    "takes_more": "missing 2 required positional arguments: 'one' and 'two'\n",
}


def reports(text: str) -> dict[str, str]:
    """By export: what follows the header of its report. Each has one."""
    before, *parts = HEADER.split(text)
    assert before == ""
    names = parts[::2]
    assert len(names) == len(set(names)), names
    return dict(zip(names, parts[1::2], strict=True))


@pytest.mark.parametrize("thread", ["", "thread "])
def test_every_exception_is_the_error_value_and_one_report(build_plugin, native, run, thread):
    plugin = build_plugin(RAISING)
    calls = [f"{thread}int {name}" for name in SHOWN for name in (name, "alive")]
    result = run(native("call"), f"open {plugin}", *calls)
    assert result.stdout.split() == ["-7", "1"] * len(SHOWN)
    found = reports(re.sub(r"thread call \(\d+\):", "thread MainThread:", result.stderr))
    assert list(found) == list(SHOWN)
    for name, words in SHOWN.items():
        assert words in found[name], name


FAIL = """
import epy, os, sys
from ctypes import CFUNCTYPE, c_int

@epy.export(error=-7)
def fail() -> c_int:
    raise ValueError("on purpose")

@epy.export
def alive() -> c_int:
    return 1
"""


def test_reports_of_a_host_that_closed_its_standard_error(build_plugin, native, run):
    plugin = build_plugin(FAIL)
    for commands in ("int fail", "int alive"), ("int alive", "int fail"):
        host = [native("call"), f"open {plugin}", *commands, "int alive"]
        result = run("sh", "-c", 'exec "$@" 2>&-', "sh", *host)
        assert sorted(result.stdout.split()) == ["-7", "1", "1"]


CLOSING_HOST = """
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int (*fail)(void) = (int (*)(void))dlsym(dlopen(argv[argc - 1], RTLD_NOW), "fail");
    printf("%d\\n", fail());
    close(2); // Python has a stream on it
    for (int i = 0; i < 1000; i++) fail();
    printf("%d\\n", fail());
}
"""


PRINTING_HOOK = """
epy.error_hook = lambda report: print(report.text, end="", file=sys.stderr)
"""


@pytest.mark.once("the host closes its standard error")
@pytest.mark.parametrize("hook", ["", PRINTING_HOOK])
def test_standard_error_that_is_closed_later(build_plugin, compile_c, run, hook):
    result = run(compile_c(CLOSING_HOST), build_plugin(FAIL + hook))
    assert result.stdout.split() == ["-7", "-7"]
    assert len(reports(result.stderr)) == 1


@pytest.mark.parametrize(
    "stream",
    [
        "None",
        "5",
        "open(os.devnull)",
        "(closed := open(os.devnull, 'w'), closed.close())[0]",
        "type('Stream', (), {'write': lambda self, text: 1 // 0})()",
        "type('Stream', (), {'write': lambda self, text: sys.exit(4)})()",
    ],
)
def test_a_broken_stderr_of_python_is_passed_by(build_plugin, native, run, stream):
    plugin = build_plugin(f"{FAIL}\nif not epy.building: sys.stderr = {stream}\n")
    result = run(native("call"), f"open {plugin}", "int fail", "int alive")
    assert result.stdout.split() == ["-7", "1"]
    assert reports(result.stderr)["fail"].endswith("\nValueError: on purpose\n")


HOOKS = {
    "raise Unprintable": "Unprintable",
    "raise SystemExit(4)": "SystemExit: 4",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
}


@pytest.mark.parametrize("statement", HOOKS)
def test_an_error_hook_that_fails_hides_nothing(build_plugin, native, run, statement):
    plugin = build_plugin(f"""{FAIL}
class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError

native = CFUNCTYPE(c_int)(fail.address)

def hook(report):
    {statement}

epy.error_hook = hook
""")
    result = run(native("call"), f"open {plugin}", "int fail", "int alive")
    assert result.stdout.split() == ["-7", "1"]
    assert len(HEADER.findall(result.stderr)) == 1
    assert result.stderr.count("ValueError: on purpose") == 1
    assert result.stderr.count("epy: epy.error_hook failed: ") == 1
    assert f"epy: epy.error_hook failed: {HOOKS[statement]}" in result.stderr


def test_an_error_hook_that_calls_what_fails_is_not_called_for_that(build_plugin, native, run):
    plugin = build_plugin(f"""{FAIL}
native = CFUNCTYPE(c_int)(fail.address)

def hook(report):
    os.write(2, b"hook\\n")
    native()

epy.error_hook = hook
""")
    result = run(native("call"), f"open {plugin}", "int fail", "int alive")
    assert result.stdout.split() == ["-7", "1"]
    assert result.stderr.startswith("hook\nepy: exception in export 'fail' of ")
    assert result.stderr.count("hook\n") == 1
    assert result.stderr.count("ValueError: on purpose") == 1


@pytest.mark.parametrize("value", ["None", "5"])
def test_an_error_hook_that_cannot_be_called_is_refused(build_plugin, native, run, value):
    """And hides nothing: the one before stays."""
    plugin = build_plugin(f"""{FAIL}
try:
    epy.error_hook = {value}
except TypeError as error:
    epy.building or os.write(2, f"{{error}}\\n".encode())
""")
    result = run(native("call"), f"open {plugin}", "int fail", "int alive")
    assert result.stdout.split() == ["-7", "1"]
    said, _, rest = result.stderr.partition("\n")
    assert said == f"epy.error_hook = {value}: give a function that takes a Report"
    assert reports(rest)["fail"].count("ValueError: on purpose") == 1


def test_an_argument_that_does_not_convert_is_reported(build_plugin, native, run):
    plugin = build_plugin("""
import epy
from ctypes import c_int, c_wchar

@epy.export(error=-7)
def look(first: c_int, character: c_wchar) -> c_int:
    return ord(character)
""")
    calls = [f"int look 1000 {number}" for number in (0x10FFFF, 0x110000, 65)]
    result = run(native("call"), f"open {plugin}", *calls)
    assert result.stdout.split() == [str(0x10FFFF), "-7", "65"]
    assert "ValueError: character U+110000 is not in range" in reports(result.stderr)["look"]


PENDING = """
#include <Python.h>

int result, pending;

// As an extension that cleans up after an error.
void call(int (*function)(int, int)) {
    PyErr_SetString(PyExc_KeyError, "pending");
    result = function(1000, 2000);
    pending = PyErr_ExceptionMatches(PyExc_KeyError);
    PyErr_Clear();
}
"""


def test_a_python_host_may_call_while_an_exception_is_pending(build_plugin, compile_c, run):
    """It stays pending, and Python code of the plugin does not see it."""
    build_plugin("""
import epy
from ctypes import c_int

@epy.export(error=-7)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-7)
def fail(a: c_int, b: c_int) -> c_int:
    return a // 0
""")
    include = sysconfig.get_path("include")
    compile_c(PENDING, f"-I{include}", "-shared", "-fPIC", name="pending.so")
    host = """
import ctypes
plugin, library = ctypes.CDLL("./plugin.so"), ctypes.PyDLL("./pending.so")
for name in "add", "fail":
    library.call(getattr(plugin, name))
    print(*(ctypes.c_int.in_dll(library, name).value for name in ("result", "pending")))
"""
    result = run(sys.executable, "-c", host)
    assert result.stdout.splitlines() == ["3000 1", "-7 1"]
    assert "ZeroDivisionError" in reports(result.stderr)["fail"]


@pytest.mark.once("CPython imports what was forgotten anew")
@pytest.mark.parametrize("close", [[], ["close"]], ids=["exit", "unload"])
def test_a_script_that_forgets_every_module_ends_as_others_do(build_plugin, native, run, close):
    """epy's are what they were, for calls, reports, hooks and exit functions."""
    plugin = build_plugin("""
import atexit, epy, sys

if not epy.building:
    atexit.register(print, "at exit")

@epy.on_unload
def last():
    print("unloaded")

@epy.export("int f(int)", error=-1)
def f(value):
    if value == 2:
        sys.modules.clear()
    if value == 3:
        raise ValueError(value)
    return value + 1
""")
    result = run(native("call"), f"open {plugin}", "int f 2", "int f 3", "int f 4", *close)
    assert result.stdout.splitlines() == ["3", "-1", "5", "unloaded", "at exit"]
    head, reason = result.stderr.splitlines()
    assert head.startswith("epy: exception in export 'f' of ")
    assert reason.startswith("ValueError: 3 (no traceback: ")
