"""Memory that runs out: the n-th allocation fails, and epy neither hangs nor ends the process.

Some of the allocations by default; all of the first 2,000 of each phase:

    EPY_ALLOCATIONS=2000 pytest -q tests/python/test_memory.py
"""

from __future__ import annotations

import os
import re
import sys

import pytest

from epy._command.python import find

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


# glibc leaves what these depend on so that nothing that depends on it can be opened.
FOR_GOOD = re.compile(r"cannot open epy's (loader|core): .*(symbol search list|out of memory)")


# 3.13 releases the code of a function for which there is no memory twice, when the function cannot
# be made and again with the frame (MAKE_FUNCTION in Python/bytecodes.c): what follows is undefined.
FUNCTION_NOT_MADE = re.compile(r"^ *no memory in .* PyFunction_NewWithQualName ", re.MULTILINE)


def way_to_die(child: str) -> str:
    """What says of a process that ended by a signal where it did."""
    fatal = re.search(r"Fatal Python error: .*", child)
    if fatal:
        return fatal[0]
    crash = re.search(r"crashed in (libpython\S* < )*(\S+)", child)
    return f"crashed in {crash[2]}" if crash else child


@pytest.fixture
def children(run, native):
    """Runs the host, a hundred times a process: for each n its outcome, and what it said."""

    def children(path, phase, count, last, step):
        what = ""
        for first in range(1, last + 1, 100 * step):
            numbers = map(str, (first, min(last, first + 99 * step), step, count))
            out = run(native("memory"), path, phase, *numbers).stdout
            children = re.split(r"^(?=\d+: )", out, flags=re.MULTILINE)[1:]
            assert children
            for child in children:
                head, _, errors = child.partition("\n")
                what = head.partition(": ")[2]
                yield what, errors
            if what == "no allocation failed":
                return

    return children


LONGEST_START = 5000  # allocations: 3.11's has 451, 3.13's some 2,500
WAYS_TO_DIE: set[str] = set()  # looked for once


@pytest.fixture
def pythons_own(children):
    """The ways in which CPython ends a process at its start for want of memory, without epy."""
    for count in () if WAYS_TO_DIE else (1, 40):
        for what, errors in children(find(None).libpython, "python", count, LONGEST_START, 1):
            if what.startswith("signal"):
                WAYS_TO_DIE.add(way_to_die(errors))
    return WAYS_TO_DIE


@pytest.fixture
def outcomes(build_plugin, children, request):
    """`children` of the plugin, all of them such as may be."""
    plugin = build_plugin(SCRIPT)

    def outcomes(phase, count, last, step):
        for what, errors in children(plugin, phase, count, last, step):
            if what == "error value":
                assert errors.strip()  # not silently
            elif what == "error value for good":
                assert FOR_GOOD.search(errors), errors
            elif what.startswith("signal") and FUNCTION_NOT_MADE.search(errors):
                assert sys.version_info[:2] == (3, 13)
            elif what not in ("right value", "no allocation failed"):
                assert phase == "first" and what.startswith("signal"), (what, errors)
                assert way_to_die(errors) in request.getfixturevalue("pythons_own"), errors
            yield what, errors

    return outcomes


@pytest.mark.once("a Python for debugging does not bear that memory runs out")
@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("phase", STEPS)
def test_an_allocation_fails(outcomes, phase, count):
    assert list(outcomes(phase, count, LAST, 1 if ALL else STEPS[phase]))


@pytest.mark.parametrize("count", [1, 40])
def test_while_the_loader_is_opened(outcomes, count):
    """Each of the first: its constructors have run when a call gets there, and it can throw."""
    assert len(list(outcomes("first", count, 30, 1))) == 30


@pytest.mark.once("a Python for debugging does not bear that memory runs out")
def test_too_little_address_space(outcomes):
    """As `ulimit -v` gives it: of the start nothing is for good."""
    found = [what for what, _ in outcomes("limit", 1, LAST, 1 if ALL else 5)]
    assert len(found) > 3
    assert found[-1] == "no allocation failed"


@pytest.mark.parametrize("kind", [(), ("--standalone",)], ids=["plain", "standalone"])
@pytest.mark.parametrize("megabytes", [1, 2, 4])
def test_too_little_memory_of_its_own(build_plugin, run, native, kind, megabytes):
    """As `ulimit -d` gives it. The dynamic loader does not say that it was memory."""
    plugin = build_plugin(SCRIPT, *kind)
    limit = f"--data={megabytes << 20}"
    result = run("prlimit", limit, native("call"), f"open {plugin}", "int work 1")
    assert result.stdout == "-1\n"
    lines = result.stderr.splitlines()
    remedies = ("lift the limit on the memory of the host (ulimit -d, ulimit -v)", "tries again")
    assert lines and all(line.endswith(remedies) for line in lines), lines


def test_a_start_is_tried_again(outcomes):
    """Of Python, of the package epy and of the script: no allocation fails in the second one."""
    found = list(outcomes("first", 1, LAST, 97))
    again = [errors for what, errors in found if what == "error value"]
    assert any("its Python did not start: " in one for one in again), found
    assert any("out of memory at its start; the next call tries again" in one for one in again)


@pytest.mark.parametrize(
    "error",
    [
        "MemoryError",
        'RuntimeError("can\'t allocate lock")',
        "SystemError('<f> returned NULL without setting an exception')",
        "ArgumentError('argument 1: MemoryError: ')",
        "ImportError('_ctypes.so: cannot open shared object file')",
        "ImportError('libffi.so.8: cannot create shared object descriptor')",
    ],
)
def test_an_annotation_is_evaluated_again(build_plugin, run, native, error):
    """What was made of a lack of memory on its way out does not hide it."""
    plugin = build_plugin(f"""
import epy, sys
from ctypes import ArgumentError, c_int

def number():
    if not epy.building and not hasattr(sys, "_has_failed"):
        sys._has_failed = True
        raise {error}
    return c_int

@epy.export(error=-1)
def check(n: "number()") -> c_int:
    return n
""")
    found = run(native("call"), f"open {plugin}", "int check 5", "int check 5")
    assert found.stdout == "-1\n5\n"
    assert "out of memory at its start; the next call tries again" in found.stderr


def test_all_views_end_without_memory(build_plugin, compile_c, run):
    plugin = build_plugin(
        """
import epy
from ctypes import CDLL, POINTER, c_int

host = CDLL(None)
kept = []

@epy.export
def keep(numbers: POINTER(c_int), count: c_int) -> c_int:
    kept.extend(epy.view(numbers, count) for _ in range(3))
    host.begin_to_fail()
    return 0

@epy.export
def ended() -> c_int:
    count = 0
    for view in kept:
        try:
            view[0]
        except ValueError:
            count += 1
    return count
"""
    )
    host = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
static int fails, failed;
void begin_to_fail(void) { fails = 1; }
void *malloc(size_t size) {
    failed += fails;
    return fails ? NULL : __libc_malloc(size);
}

int main(int argc, char **argv) {
    int numbers[2] = {1, 2};
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    int (*keep)(int *, int) = (int (*)(int *, int))dlsym(plugin, "keep");
    keep(numbers, 2);
    fails = 0;
    printf("%d\\n", ((int (*)(void))dlsym(plugin, "ended"))());
}
""",
        "-rdynamic",
    )
    assert run(host, plugin).stdout == "3\n"
