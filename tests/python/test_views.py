"""Memory of the host as a memoryview: `epy.view` and `epy.Buffer`."""

from __future__ import annotations

import pytest
from needs import needs_numpy

KEEPERS = """
import epy
from ctypes import POINTER, c_double, c_int, c_long, c_void_p

kept = []

def keep(view):
    kept.extend([view, view[1:], view.cast("B"), memoryview(view)])
    return sum(view)

@epy.export
def by_pointer(samples: POINTER(c_double), count: c_long) -> c_double:
    return keep(epy.view(samples, count))

@epy.export
def by_address(samples: c_void_p, count: c_long) -> c_double:
    return keep(epy.view(samples, count, c_double))

@epy.export(error=-1)
def by_parameter(samples: epy.Buffer(c_double, "count"), count: c_long) -> c_double:
    return keep(samples)

def refused(*uses):
    number = 0
    for view in kept:
        for use in uses:
            try:
                use(view)
            except ValueError:
                number += 1
    return number

@epy.export
def dead() -> c_int:
    return refused(lambda view: view[0], lambda view: view[:1], bytes, list)

@epy.export
def dead_to_numpy() -> c_int:
    import numpy
    return refused(numpy.frombuffer)
"""


@pytest.mark.parametrize("way", ["by_pointer", "by_address", "by_parameter"])
def test_what_is_left_of_a_view_raises_after_the_call(build_plugin, native, run, way):
    result = run(native("buffers"), build_plugin(KEEPERS), f"sum {way} 4", "int dead")
    assert result.stdout == "10\n16\n"
    assert result.stderr == ""  # nobody has the memory: nothing to report


@needs_numpy
def test_what_is_left_of_a_view_raises_in_numpy(build_plugin, native, run):
    result = run(
        native("buffers"), build_plugin(KEEPERS), "sum by_parameter 4", "int dead_to_numpy"
    )
    assert (result.stdout, result.stderr) == ("10\n4\n", "")


def test_null_is_none_and_without_items_an_empty_view(build_plugin, native, run):
    plugin = build_plugin(
        """
import epy
from ctypes import c_double, c_long

@epy.export
def length(samples: epy.Buffer(c_double, "count"), count: c_long) -> c_double:
    return -1 if samples is None else len(samples)
"""
    )
    result = run(
        native("buffers"), plugin, "sum length 3 null", "sum length 0 null", "sum length 0"
    )
    assert (result.stdout, result.stderr) == ("-1\n0\n0\n", "")


def test_a_count_that_no_memory_holds_gives_the_error_value(build_plugin, native, run):
    result = run(native("buffers"), build_plugin(KEEPERS), "sum by_parameter -3", "int dead")
    assert result.stdout == "-1\n0\n"
    assert "export 'by_parameter'" in result.stderr
    assert "ViewError: parameter 1 is a buffer, but its count (-3) is no number" in result.stderr


def test_a_writable_buffer_is_the_hosts_memory(build_plugin, native, run):
    plugin = build_plugin(
        """
import epy
from ctypes import POINTER, c_int, c_ubyte

@epy.export
def fill(numbers: epy.Buffer(c_int, "count", writable=True), count: c_ubyte) -> c_int:
    numbers[0] = -7
    numbers[1:3] = memoryview(b"".join(n.to_bytes(4, "little") for n in (8, 9))).cast("i")
    return numbers.nbytes

@epy.export
def fill_view(numbers: POINTER(c_int), count: c_ubyte) -> c_int:
    epy.view(numbers, count, writable=True)[count - 1] = 5
    return 0

@epy.export(error=-1)
def write_to_const(numbers: epy.Buffer(c_int, "count"), count: c_ubyte) -> c_int:
    numbers[0] = 1
"""
    )
    result = run(
        native("buffers"), plugin, "fill fill 4", "fill fill_view 200", "fill write_to_const 1"
    )
    first, second, third = result.stdout.splitlines()
    assert first == "16: -7 8 9 0"
    assert second == "0:" + " 0" * 199 + " 5"
    assert third == "-1: 0"
    assert "TypeError: cannot modify read-only memory" in result.stderr


@needs_numpy
def test_structs_are_fields_to_numpy_and_copied_out_by_ctypes(build_plugin, native, run):
    plugin = build_plugin(
        """
import epy, numpy
from ctypes import POINTER, Structure, c_double, c_int, sizeof

class person(Structure):
    _fields_ = [("height", c_double), ("age", c_int)]

@epy.export
def ages(people: epy.Buffer(person, "count"), count: c_int) -> c_double:
    return numpy.asarray(people)["age"].sum()

@epy.export("double tallest(const person *people, int count)")
def tallest(people, count):
    view = epy.view(people, count)
    each = [person.from_buffer_copy(view, i * sizeof(person)) for i in range(count)]
    return max(each, key=lambda one: one.height).age
"""
    )
    result = run(native("buffers"), plugin, "people ages", "people tallest")
    assert (result.stdout, result.stderr) == ("60\n30\n", "")


ARRAYS = """
import epy, numpy
from ctypes import POINTER, c_double, c_int, c_long

kept = []

@epy.export
def same_memory(samples: epy.Buffer(c_double, "count"), count: c_long) -> c_double:
    return numpy.asarray(samples).ctypes.data == numpy.frombuffer(samples).ctypes.data != 0

@epy.export
def copies(samples: epy.Buffer(c_double, "count"), count: c_long) -> c_double:
    kept.append(numpy.array(samples))
    kept.append(samples[1:])
    return kept[0].sum()

@epy.export
def keeps(samples: epy.Buffer(c_double, "count"), count: c_long) -> c_double:
    kept.append(samples)
    kept.append(numpy.asarray(samples[1:]))
    return kept[-1].sum()

@epy.export
def keeps_another_way(samples: POINTER(c_double), count: c_long) -> c_double:
    view = epy.view(samples, count, writable=True)
    kept.append(numpy.frombuffer(view) if count < 5 else (c_double * 3).from_buffer(view))
    return kept[-1][2]
"""


@needs_numpy
def test_numpy_reads_without_a_copy_and_a_kept_array_is_reported_once(build_plugin, native, run):
    result = run(
        *(native("buffers"), build_plugin(ARRAYS)),
        *("sum same_memory 3", "sum copies 3", "sum copies 3", "sum keeps 3", "sum keeps 3"),
    )
    assert result.stdout == "1\n6\n6\n5\n5\n"
    assert result.stderr.count("epy: ") == 1
    assert "in export 'keeps' of" in result.stderr
    assert "copy it before the call ends" in result.stderr


@needs_numpy
@pytest.mark.parametrize("count", [4, 5])
def test_whoever_took_the_address_is_reported(build_plugin, native, run, count):
    result = run(native("buffers"), build_plugin(ARRAYS), f"sum keeps_another_way {count}")
    assert result.stdout == "3\n"
    assert "export 'keeps_another_way'" in result.stderr


@needs_numpy
def test_a_kept_array_is_reported_after_many_kept_views(build_plugin, native, run):
    plugin = build_plugin(
        """
import epy, numpy
from ctypes import c_double, c_long

kept = None
calls = 0

@epy.export
def process(samples: epy.Buffer(c_double, "count"), count: c_long) -> c_double:
    global kept, calls
    calls += 1
    kept = samples if calls < 5 else numpy.asarray(samples)
    return calls
"""
    )
    result = run(native("buffers"), plugin, *["sum process 3"] * 7)
    assert result.stderr == ""
    result = run(native("buffers"), plugin, *["sum process 3"] * 20)
    assert result.stderr.count("export 'process'") == 1


def test_a_view_of_a_nested_call_dies_with_that_call(build_plugin, native, run):
    plugin = build_plugin(
        """
import epy
from ctypes import CFUNCTYPE, c_int

kept = []

@epy.export
def inner(numbers: epy.Buffer(c_int, "count"), count: c_int) -> c_int:
    kept.append(numbers)
    return sum(numbers)

@epy.export
def outer(numbers: epy.Buffer(c_int, "count"), count: c_int, f: CFUNCTYPE(c_int)) -> c_int:
    total = f() + sum(numbers)
    try:
        kept[0][0]
    except ValueError:
        return total
"""
    )
    result = run(native("buffers"), plugin, "nested outer", "thread nested outer")
    assert (result.stdout, result.stderr) == ("21\n21\n", "")


def test_views_of_the_start_end_with_it(build_plugin, native, run):
    plugin = build_plugin(
        """
import epy
from ctypes import c_char, c_int, create_string_buffer

@epy.on_load
def load():
    global view
    view = epy.view(create_string_buffer(b"text"), 4)
    assert bytes(view) == b"text"

@epy.export(error=-1)
def read() -> c_int:
    return view[0]
"""
    )
    result = run(native("buffers"), plugin, "int read")
    assert result.stdout == "-1\n"
    assert "ValueError: operation forbidden on released memoryview" in result.stderr
