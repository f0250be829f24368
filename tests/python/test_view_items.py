"""What `epy.view` and `epy.Buffer` make of types and arguments: the host is ctypes."""

from __future__ import annotations

import ctypes
import gc
import threading
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    Union,
    c_char,
    c_char_p,
    c_double,
    c_int,
    c_size_t,
    c_void_p,
    c_wchar,
)

import pytest
from needs import needs_numpy

import epy


def in_call(function, *arguments):
    """What `function(*arguments)` returns or raises when C calls it."""
    outcome = []

    @epy.callback(CFUNCTYPE(None))
    def call():
        try:
            outcome.append(function(*arguments))
        except Exception as error:
            outcome.append(error)

    CFUNCTYPE(None)(call.address)()
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


@pytest.mark.parametrize(
    ("ctype", "values", "seen"),
    [
        *((getattr(ctypes, f"c_{name}"), [1, 2, 3], [1, 2, 3])
          for name in ("byte", "ubyte", "short", "ushort", "int", "uint", "long", "ulong",
                       "longlong", "ulonglong", "float", "double", "int8", "size_t")),
        (ctypes.c_bool, [True, False], [True, False]),
        (c_char, [b"a", b"\0"], [97, 0]),
        (c_wchar, ["a", "\U0001f40d"], [97, 0x1F40D]),
        (c_void_p, [None, 5], [0, 5]),
        (POINTER(c_int), [None], [0]),
        (CFUNCTYPE(c_int), [CFUNCTYPE(c_int)()], [0]),
    ],
)  # fmt: skip
def test_items_read_as_their_type(ctype, values, seen):
    array = (ctype * len(values))(*values)
    assert in_call(lambda: epy.view(array, len(values)).tolist()) == seen
    address = ctypes.addressof(array)
    assert in_call(lambda: epy.view(address, len(values), ctype).tolist()) == seen
    assert in_call(lambda: epy.view(ctypes.cast(array, POINTER(ctype)), 1)[0]) == seen[0]


def test_an_address_is_of_bytes():
    text = ctypes.create_string_buffer(b"text")
    for pointer in (ctypes.addressof(text), c_void_p(ctypes.addressof(text))):
        assert in_call(lambda: bytes(epy.view(pointer, 4))) == b"text"  # noqa: B023


@needs_numpy
def test_numpy_has_the_fields_where_c_has_them():
    import numpy

    class Inner(Structure):
        _fields_ = [("wide", c_double), ("narrow", c_char)]

    class Number(Union):
        _fields_ = [("i", c_int), ("d", c_double)]

    class Packed(Structure):
        _pack_ = 1
        _fields_ = [("c", c_char), ("d", c_double)]

    class Bits(Structure):
        _fields_ = [("low", c_int, 3), ("high", c_int, 5)]

    class Base(Structure):
        _fields_ = [("first", ctypes.c_int8)]

    class All(Base):
        _fields_ = [
            ("inner", Inner * 2),
            ("matrix", (ctypes.c_short * 2) * 3),
            ("pointer", POINTER(c_int)),
            ("function", CFUNCTYPE(c_int)),
            ("text", c_char_p),
            ("number", Number),
            ("packed", Packed),
            ("bits", Bits),
            ("letter", c_wchar),
            ("exact", ctypes.c_longdouble),
            ("swapped", c_int.__ctype_be__),
            ("last", ctypes.c_bool),
        ]

    def places(view):
        array = numpy.asarray(view)
        fields = {name: (field[1], field[0].itemsize) for name, field in array.dtype.fields.items()}
        return fields, array.itemsize, len(view)

    one = (All * 2)()
    fields, size, length = in_call(lambda: places(epy.view(one, 2)))
    expected = [getattr(All, name) for name in fields]
    assert [*fields.values()] == [(field.offset, field.size) for field in expected]
    assert (size, length, len(fields)) == (ctypes.sizeof(All), 2, 13)
    one[1].swapped = 7
    one[1].inner[1].wide = 1.5
    read = in_call(lambda: numpy.asarray(epy.view(one, 2)).copy())
    assert (read["swapped"][1], read["inner"]["wide"][1][1]) == (7, 1.5)
    assert in_call(lambda: epy.view((Number * 2)(), 2).tobytes()) == bytes(16)


def test_a_view_keeps_memory_of_python_alive_as_long_as_it_lasts():
    def make():
        return epy.view((c_int * 1000)(*range(1000)), 1000)

    def read():
        view = make()
        gc.collect()
        return sum(view)

    assert in_call(read) == 499500


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((None, 1), "1 items at NULL"),
        ((POINTER(c_int)(), 3), "3 items at NULL"),
        ((16, -1), "epy.view of -1 items"),
        ((16, 2**62, c_int), "4611686018427387904 items"),
        ((b"bytes", 1), "takes a pointer, an array or an address"),
        ((c_int(5), 1), "takes a pointer, an array or an address"),
        ((c_char_p(b"a"), 1), "takes a pointer, an array or an address"),
        ((16, 1, int), "items of a view cannot be of type <class 'int'>"),
        ((16, 1, c_int * 2), "cannot be arrays: view the c_int in them"),
        ((16, 1, CFUNCTYPE(c_int) * 2), "cannot be arrays"),
        ((16, 1, c_int.__ctype_be__), "items of a view cannot be of type"),
        ((16, 1, ctypes.py_object), "items of a view cannot be of type"),
    ],
)
def test_what_cannot_be_viewed_is_an_error(arguments, problem):
    with pytest.raises(epy.ViewError, match=problem):
        in_call(epy.view, *arguments)


def test_arguments_go_by_name_too():
    array = (c_int * 2)(1, 2)

    def view():
        found = epy.view(count=2, pointer=array, writable=True, type=ctypes.c_uint)
        return found.format, found.readonly

    assert in_call(view) == ("I", False)
    for arguments, names in (
        ((), {}),
        ((1,), {}),
        ((1, 2), {"many": 3}),
        ((1, 2), {"count": 3}),
        ((1, 2, 3, 4, 5), {}),
    ):
        with pytest.raises(TypeError):
            epy.view(*arguments, **names)


def test_a_thread_without_a_call_cannot_view():
    array = (c_int * 2)(1, 2)
    with pytest.raises(epy.ViewError, match="no call of the host runs on this thread"):
        epy.view(array, 2)
    outcome = []

    def work(view):
        try:
            outcome.append(view[1])
            epy.view(array, 2)
        except epy.ViewError as error:
            outcome.append(str(error))

    def call():
        thread = threading.Thread(target=work, args=[epy.view(array, 2)])
        thread.start()
        thread.join()

    in_call(call)
    assert outcome[0] == 2
    assert "no call of the host" in outcome[1]


def test_recursion_ends_each_calls_views():
    array = (c_int * 3)(1, 2, 3)
    alive = []

    @epy.callback(CFUNCTYPE(c_int, c_int))
    def recurse(depth):
        view = epy.view(array, 3)
        alive.append(view)
        if depth > 0:
            CFUNCTYPE(c_int, c_int)(recurse.address)(depth - 1)
            with pytest.raises(ValueError):
                alive[-1][0]
            alive.pop()
        return sum(view)

    assert CFUNCTYPE(c_int, c_int)(recurse.address)(10) == 6


def test_views_that_nobody_keeps_leave_nothing():
    array = (c_double * 3)(1, 2, 3)

    @epy.export
    def total(samples: epy.Buffer(c_double, "count"), count: c_size_t) -> c_double:
        return sum(samples) + sum(epy.view(array, 3)[1:])

    function = CFUNCTYPE(c_double, POINTER(c_double), c_size_t)(total.address)

    def memoryviews():
        gc.collect()
        return sum(type(one) is memoryview for one in gc.get_objects())

    function(array, 3)
    before = memoryviews()
    assert [function(array, 3) for _ in range(1000)] == [11] * 1000
    assert memoryviews() == before


@pytest.mark.parametrize(
    ("annotations", "problem"),
    [
        ('s: epy.Buffer(c_int, "m"), n: c_int', "count 'm' is no integer parameter"),
        ('s: epy.Buffer(c_int, "n"), n: c_double', "count 'n' is no integer parameter"),
        ('s: epy.Buffer(c_int, "s"), n: c_int', "count 's' is no integer parameter"),
        ('s: epy.Buffer(int, "n"), n: c_int', "give the ctypes type of the items, or None"),
        ("s: epy.Buffer(c_int, 1), n: c_int", "name the parameter that holds the number"),
        ('s: epy.Buffer(c_int * 2, "n"), n: c_int', r"f\(\) items of a view cannot be arrays"),
    ],
)
def test_a_wrong_buffer_is_a_signature_error(annotations, problem):
    scope = {"epy": epy, "c_int": c_int, "c_double": c_double}
    with pytest.raises(epy.SignatureError, match=problem):
        exec(f"@epy.export\ndef f({annotations}) -> c_int: ...", scope)


def test_a_buffer_is_a_pointer_in_c(build_plugin, epy):
    plugin = build_plugin(
        """
import epy
from ctypes import c_double, c_int, c_size_t

@epy.export
def mean(
    samples: epy.Buffer(c_double, "n"), n: c_size_t, raw: epy.Buffer(None, "k"), k: c_int
) -> c_double: ...
"""
    )
    shown = epy("inspect", plugin).stdout
    assert "double mean(double *samples, unsigned long n, void *raw, int k)" in shown
