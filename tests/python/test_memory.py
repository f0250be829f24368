"""Memory that runs out: the n-th allocation fails, and epy neither hangs nor ends the process.

Some of the allocations by default; all of the first 2,000 of each phase:

    EPY_ALLOCATIONS=2000 pytest -q tests/python/test_memory.py
"""

from __future__ import annotations

import os
import re
import sys

import pytest

SCRIPT = (
    """
import epy
from ctypes import *

host = epy.header('''
struct point { int x; double y; struct point *next; const char *name; int (*f)(int); };
typedef struct point point;
point make(int n);
int rename(point *p);
''')

class Big(Structure):
    _fields_ = [("a", c_int), ("b", c_double * 4)]

class Counter(epy.Object):
    def __init__(self, n): self.n = n

@epy.export(error=-1)
def check(n: c_int) -> c_int: return n

@epy.export
def big(n: c_int) -> Big: return Big(n, (1.0, 2.0, 3.0, n))

@epy.export
def text(n: c_int) -> epy.c_str: return "number " + str(n)

@epy.export
def counter_new(n: c_int) -> Counter: return Counter(n)

@epy.export(error=-1)
def counter_free(c: epy.Consumed[Counter]) -> c_int: return c.n

@epy.export(error=-3)
def raises(n: c_int) -> c_int: raise ValueError(n)

@epy.export(error=-1)
def total(data: epy.Buffer(c_int, "count"), count: c_int) -> c_int: return sum(data)

@host.export
def make(n): return host.point(x=n, y=n, name=f"name {n}", f=lambda x: x + 1)

@host.export(error=-1)
def rename(p):
    p.name = "new"
    p.f = lambda x: x + 2
    return p.x

@epy.export(error=-1)
def many("""
    + ", ".join(f"a{i}: c_int" for i in range(18))
    + """) -> c_int: return a0 + a17

@epy.export(error=-1)
def work(n: c_int) -> c_int:
    c = CDLL(epy.plugin.path)
    c.big.restype, c.text.restype, c.counter_new.restype = Big, c_char_p, c_void_p
    c.counter_free.argtypes = [c_void_p]
    c.make.restype = host.point
    c.big(n), c.text(n), c.raises(n), c.total((c_int * 5)(1, 2, 3, 4, 5), 5)
    if counter := c.counter_new(n):
        c.counter_free(counter)
    c.make(n)
    c.rename(byref(host.point(x=n, name="x", f=lambda v: v)))
    c.many(*range(18))
    return n
"""
)

ALL = "EPY_ALLOCATIONS" in os.environ
LAST = int(os.environ.get("EPY_ALLOCATIONS", "100000"))

# How far apart the allocations are of which one fails, so that a phase takes some seconds.
STEPS = {
    "first": 151,
    "again": 1511,
    "call": 23,
    "thread": 1511,
    "fork": 1,
    "unload": 31,
    "exit": 3,
}


def is_pythons(child: str) -> bool:
    """Whether it was CPython that ended the process, in its own start.

    3.11's PyThreadState_New uses what it could not allocate; epy calls it in newer ones alone. In
    3.13 a name that cannot be interned crashes, as in a C program that imports `ctypes` and fails
    the same allocations.
    """
    ways = ["Fatal Python error"]
    if sys.version_info < (3, 12):
        ways.append("crashed in .*PyThreadState_New <")
    elif sys.version_info >= (3, 13):
        own = "_PyUnicode_Intern|_Py_hashtable_set|_PyObject_MakeTpCall|PyModule_ExecDef"
        ways.append(rf"crashed in (libpython\S* < )+({own})")
    return any(re.search(way, child) for way in ways)


# What is not tried again: Python cannot start twice, nor the dynamic loader open what it has left
# half open, and of a script's other exceptions nobody knows that they come from a lack of memory.
FOR_GOOD = re.compile(
    "its Python did not start|its script failed|cannot open (its Python|epy's loader|epy's core)"
)


@pytest.fixture
def outcomes(build_plugin, run, native):
    """Runs the host; each n's outcome and what it said, all of them such as may be."""
    plugin = build_plugin(SCRIPT)

    def outcomes(phase, count, last, step):
        out = run(native("memory"), plugin, phase, "1", str(last), str(step), str(count)).stdout
        children = re.split(r"^(?=\d+: )", out, flags=re.MULTILINE)[1:]
        assert children
        for child in children:
            head, _, errors = child.partition("\n")
            what = head.partition(": ")[2]
            if what == "error value":
                assert errors.strip(), child  # not silently
            elif what == "error value for good":
                assert FOR_GOOD.search(errors), child
            elif what not in ("right value", "no allocation failed"):
                assert is_pythons(child), child
            yield what, errors

    return outcomes


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("phase", STEPS)
def test_an_allocation_fails(outcomes, phase, count):
    assert list(outcomes(phase, count, LAST, 1 if ALL else STEPS[phase]))


@pytest.mark.parametrize("count", [1, 40])
def test_while_the_loader_is_opened(outcomes, count):
    """Each of the first: its constructors have run when a call gets there, and it can throw."""
    assert len(list(outcomes("first", count, 30, 1))) == 30


def test_a_start_is_tried_again(outcomes):
    """Of the package epy and of the script: no allocation fails in the second one."""
    found = list(outcomes("first", 1, LAST, 97))
    again = [errors for what, errors in found if what == "error value"]
    assert len(again) > 3, found
    assert any("out of memory at its start; the next call tries again" in one for one in again)
