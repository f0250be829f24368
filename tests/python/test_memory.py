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

    3.11's PyThreadState_New uses what it could not allocate; epy calls it in newer ones alone.
    """
    crashed = sys.version_info < (3, 12) and re.search(r"crashed in .*PyThreadState_New <", child)
    return "Fatal Python error" in child or bool(crashed)


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("phase", STEPS)
def test_an_allocation_fails(build_plugin, run, native, phase, count):
    plugin = build_plugin(SCRIPT)
    step = 1 if ALL else STEPS[phase]
    out = run(native("memory"), plugin, phase, "1", str(LAST), str(step), str(count)).stdout
    children = re.split(r"^(?=\d+: )", out, flags=re.MULTILINE)[1:]
    assert children
    for child in children:
        head, _, errors = child.partition("\n")
        what = head.partition(": ")[2]
        if what == "error value":
            assert errors.strip(), child  # not silently
        elif what not in ("right value", "no allocation failed"):
            assert is_pythons(child), child
