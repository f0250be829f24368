"""Exports of plain C text: the core makes them by itself while a start runs. And what it leaves."""

from __future__ import annotations

import pytest

# At build all are there, in order; a running plugin defines what ORDER says.
SCRIPT = """
import epy
DONE = []
{setup}

def export(text, function):
    DONE.append(text)
    return epy.export(text)(function)

def number(n):
    return lambda a: a + n

MADE = {{}}
for n in {order} if not epy.building else range(30):
    function = number(n)
    function.__name__ = f"f{{n}}"
    MADE[n] = export(f"int f{{n}}(int a)", function)
"""
WANTED = [f"int f{n} 100" for n in range(30)]


@pytest.mark.parametrize(
    "order",
    [
        "range(30)",
        "reversed(range(30))",
        "[*range(0, 30, 2), *range(1, 30, 2)]",
        "[*range(20, 30), *range(20)]",
    ],
)
def test_a_start_may_define_them_in_any_order(order, build_plugin, native, run):
    plugin = build_plugin(SCRIPT.format(order=order, setup=""))
    result = run(native("call"), f"open {plugin}", *WANTED)
    assert result.stdout.split() == [str(100 + n) for n in range(30)]
    assert result.stderr == ""


@pytest.mark.parametrize("setup", ["import ctypes", "from ctypes import *"])
def test_with_ctypes_they_are_instances_of_it(setup, build_plugin, native, run):
    text = SCRIPT.format(order="range(30)", setup=setup)
    text += "import ctypes\nassert all(isinstance(m, ctypes._CFuncPtr) for m in MADE.values())\n"
    result = run(native("call"), f"open {build_plugin(text)}", *WANTED)
    assert result.stdout.split() == [str(100 + n) for n in range(30)]
    assert result.stderr == ""


OTHERS = """
import functools
import epy

@epy.export("int (int a)")
def nameless(a):
    return a + 1

@epy.export("int  spaced( int a ) ;")
def spaced(a):
    return a + 2

@epy.export("int renamed(int a)")
def other(a):
    return a + 3

@epy.export("int \\u00fcml(int)", name="plain")
@functools.lru_cache
def cached(a):
    return a + 4

def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return 2 * function(*args)
    return wrapper

@epy.export("int wrapped(int a)")
@twice
def wrapped(a):
    return a + 5

class Adder:
    def __call__(self, a):
        return a + 6

called = epy.export("int called(int a)")(Adder())

@epy.export("int defaults(int a)")
def defaults(a, b=7):
    return a + b

@epy.export("int erring(int a)", error=-1)
def erring(a):
    raise ValueError(a)

@epy.export("int last(int a)")
def last(a):
    return nameless(a) + len({name for name in (nameless.__name__, last.__name__)})
"""


def test_other_functions_are_exported_as_ever(build_plugin, native, run):
    plugin = build_plugin(OTHERS.replace("\\u00fcml", "uml"))
    names = ["nameless", "spaced", "renamed", "plain", "wrapped", "called", "defaults", "erring"]
    result = run(native("call"), f"open {plugin}", *(f"int {name} 10" for name in [*names, "last"]))
    assert result.stdout.split() == ["11", "12", "13", "14", "30", "16", "17", "-1", "13"]
    assert "ValueError: 10" in result.stderr


REPEATED = """
import epy

@epy.export("int once(int a)")
def once(a):
    return a

if not epy.building:
    try:
        epy.export("int once(int a)")(lambda a: 0)
    except epy.ExportNameError as error:
        print(error, flush=True)
"""


def test_a_name_is_exported_once(build_plugin, native, run):
    result = run(native("call"), f"open {build_plugin(REPEATED)}", "int once 3")
    assert result.stdout.splitlines() == [
        "'once' is exported twice: rename one, or pass name=",
        "3",
    ]


WRONG = """
import epy

@epy.export("int add(int a, int b)")
def add(a, b):
    return a + b

if not epy.building:
    for wrong in (lambda a: a, lambda a, b, *, c: a, 7):
        try:
            epy.export("int more(int a, int b)")(wrong)
        except epy.SignatureError as error:
            print(str(error).rpartition("()")[2].strip(), flush=True)
else:
    @epy.export("int more(int a, int b)")
    def more(a, b):
        return a
"""


def test_what_does_not_fit_is_said_as_ever(build_plugin, native, run):
    result = run(native("call"), f"open {build_plugin(WRONG)}", "int add 3 4")
    assert result.stdout.splitlines() == [
        "takes 1 argument, but its prototype has 2: let both agree",
        "has the keyword-only parameter 'c', which C cannot pass: make it positional or give it a "
        "default",
        "7 is not callable: give a function",
        "7",
    ]


LATER = """
import epy

@epy.export("int start(int a)")
def start(a):
    export = epy.export("int later(int a)")
    export(lambda a: a + 40)
    return sorted(found) == ["start"]

if epy.building:
    @epy.export("int later(int a)")
    def later(a):
        return a

from epy._script import current_script
found = {name: export.codes for name, export in current_script().exports.items()}
"""


def test_a_call_may_export_later(build_plugin, native, run):
    result = run(native("call"), f"open {build_plugin(LATER)}", "int start 1", "int later 2")
    assert result.stdout.split() == ["1", "42"]
    assert result.stderr == ""
