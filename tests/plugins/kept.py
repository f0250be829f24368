"""A plugin with what a contract between stub and loader is about: see tests/plugins/README.md."""

from ctypes import Structure, c_double, c_int, c_long

import epy


class Big(Structure):
    _fields_ = [("a", c_long), ("b", c_long), ("c", c_long)]


calls = epy.export_data("calls", c_int(40))


@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    calls.value += 1
    return a + b


@epy.export(error=2.5)
def half(x: c_double) -> c_double:
    return x / 2


@epy.export
def big(a: c_long) -> Big:
    return Big(a, a + 1, a + 2)
