"""A Python that is the host: loading, calling and unloading a plugin leaves nothing in it.

Objects, values, errors and headers' calls. EPY_PYTHON may be one that counts references.
"""

from __future__ import annotations

import os
import sys

SCRIPT = """
import ctypes
import epy
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_long

class Counter(epy.Object):
    def __init__(self, start):
        self.value = start
        self.itself = self

class Big(Structure):
    _fields_ = [("a", c_long), ("b", c_long), ("c", c_long)]

@epy.export
def counter_new(start: c_int) -> Counter:
    return Counter(start)

@epy.export(error=-1)
def counter_next(counter: Counter) -> c_int:
    counter.value += 1
    return counter.value

@epy.export
def counter_free(counter: epy.Consumed[Counter]) -> None:
    pass

@epy.export(error=-7)
def fail(kind: c_int) -> c_int:
    raise ValueError(f"no {kind}")

@epy.export
def big(a: c_long) -> Big:
    return Big(a, a + 1, a + 2)

@epy.export
def text(name: c_char_p) -> epy.c_str:
    return f"hello {name.decode()}"

@epy.export
def total(values: epy.Buffer(c_double, "count"), count: c_int) -> c_double:
    return sum(values)

@epy.export("int call(int (*function)(int), int value)")
def call(function, value):
    return function(value)

libc = epy.header("int abs(int); void qsort(void *, unsigned long, unsigned long,"
                  " int (*)(const void *, const void *));"
                  " struct pair { int first; const char *name; };")

@epy.export("int sorted_first(int a, int b)")
def sorted_first(a, b):
    array = (c_int * 2)(a, b)
    libc.qsort(array, 2, 4, lambda left, right: ctypes.cast(left, POINTER(c_int))[0]
               - ctypes.cast(right, POINTER(c_int))[0])
    pair = libc.pair(first=libc.abs(array[0]), name="x")
    return pair.first
"""

HOST = """
import _ctypes, array, ctypes, gc, sys

def use(path):
    plugin = ctypes.CDLL(path)
    plugin.counter_new.restype = ctypes.c_void_p
    for i in range(3):
        counter = ctypes.c_void_p(plugin.counter_new(i))
        assert plugin.counter_next(counter) == i + 1
        plugin.counter_free(counter)
        assert plugin.counter_next(counter) == -1       # which is reported
    kept = ctypes.c_void_p(plugin.counter_new(5))       # the unload takes it
    plugin.fail(1)
    class Big(ctypes.Structure):
        _fields_ = [("a", ctypes.c_long), ("b", ctypes.c_long), ("c", ctypes.c_long)]
    plugin.big.restype = Big
    assert plugin.big(ctypes.c_long(4)).c == 6
    plugin.text.restype = ctypes.c_char_p
    assert plugin.text(b"you") == b"hello you"
    plugin.total.restype = ctypes.c_double
    assert plugin.total((ctypes.c_double * 2)(1, 2), 2) == 3
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda value: value + 1)
    assert plugin.call(function, 4) == 5
    assert plugin.sorted_first(-3, 2) == 3
    loader = ctypes.CDLL("libepy.so")
    loader.epy_plugin_of.restype = ctypes.c_void_p
    loader.epy_plugin_of.argtypes = [ctypes.c_void_p]
    loader.epy_unload.argtypes = [ctypes.c_void_p, ctypes.c_uint]
    assert loader.epy_unload(loader.epy_plugin_of(plugin._handle), 600000) == 0
    _ctypes.dlclose(plugin._handle)

most, compared = 40, 4
counts = [array.array("q", [0] * most) for _ in range(2)]   # which are no objects of a round's
references = getattr(sys, "gettotalrefcount", int)
rounds, grows = 0, True
while grows and rounds < most:
    use(sys.argv[1])
    sys._clear_type_cache()
    gc.collect()
    counts[0][rounds] = references()
    counts[1][rounds] = sys.getallocatedblocks()
    rounds += 1
    grows = rounds < 9 or any(
        all(which[i - 1] < which[i] for i in range(rounds - compared, rounds)) for which in counts
    )
assert not grows, counts
"""


def test_rounds_of_a_plugin_leave_nothing(build_plugin, run):
    host = os.environ.get("EPY_PYTHON", sys.executable)
    run(host, "-c", HOST, build_plugin(SCRIPT), env={"PYTHONPATH": None})
