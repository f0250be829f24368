"""What a Python value is where C is due a pointer: as a result, an argument, a field, an item."""

from __future__ import annotations

import array
import ctypes
import gc
import sys
import weakref
from ctypes import CFUNCTYPE, POINTER, byref, c_char, c_double, c_int, c_ubyte, c_void_p, pointer

import pytest
from needs import with_numpy

import epy

try:
    import numpy
except ImportError:
    numpy = None

C = """
#include <stddef.h>
struct point { int x, y; };
struct all {
    double *real; float *single; int *number; unsigned *count; short *small; _Bool *flags;
    char *text; unsigned char *bytes; void *any; const wchar_t *wide; struct point *points;
    double (*rows)[2]; void **addresses; char **texts;
};
"""
KINDS = {
    "real": "double *", "single": "float *", "number": "int *", "count": "unsigned *",
    "small": "short *", "flags": "_Bool *", "text": "char *", "bytes": "unsigned char *",
    "any": "void *", "wide": "const wchar_t *", "points": "struct point *",
    "addresses": "void **", "texts": "char **",
}  # fmt: skip


class Point(ctypes.Structure):
    _fields_ = [("x", c_int), ("y", c_int)]


@pytest.fixture(scope="module")
def host():
    functions = "".join(
        f"typedef {kind} (*maker_of_{name})(void); typedef void *(*taker_of_{name})({kind} p);"
        for name, kind in KINDS.items()
    )
    return epy.header(C + functions)


@pytest.fixture
def reported(monkeypatch):
    reports = []
    monkeypatch.setattr(epy, "error_hook", reports.append)
    return reports


def returned(host, kind, value):
    """The address that C gets from a callback which returns the value, and that callback."""
    callback = host.callback(f"maker_of_{kind}", lambda: value)
    return CFUNCTYPE(c_void_p)(callback.address)(), callback


def in_field(host, kind, value):
    struct = host.struct.all(**{kind: value})
    place = ctypes.addressof(struct) + getattr(host.struct.all, kind).offset
    return c_void_p.from_address(place).value, struct


identity = CFUNCTYPE(c_void_p, c_void_p)(lambda address: address)


def as_argument(host, kind, value):
    function = getattr(host, f"taker_of_{kind}")(ctypes.cast(identity, c_void_p).value)
    return function(value), None


WAYS = [returned, in_field, as_argument]


def address_of(value):
    if hasattr(value, "ctypes"):  # of numpy
        return value.ctypes.data
    return memoryview(value).nbytes and ctypes.addressof(c_char.from_buffer(value))


def of_numpy(*case):
    return pytest.param(*case, marks=with_numpy)


FITS = [
    ("real", lambda: array.array("d", [1, 2])),
    ("real", lambda: memoryview(array.array("d", [1, 2]))[1:]),
    of_numpy("real", lambda: numpy.array([[1.0, 2.0], [3.0, 4.0]])),
    of_numpy("real", lambda: numpy.asfortranarray([[1.0, 2.0], [3.0, 4.0]])),
    ("real", lambda: (c_double * 2)(1, 2)),
    of_numpy("single", lambda: numpy.zeros(3, "f")),
    ("number", lambda: array.array("i", [1, 2])),
    ("number", lambda: array.array("I", [1, 2])),
    of_numpy("number", lambda: numpy.zeros(3, numpy.int32)),
    of_numpy("count", lambda: numpy.zeros(3, numpy.int32)),
    ("small", lambda: array.array("h", [1, 2])),
    of_numpy("flags", lambda: numpy.zeros(3, bool)),
    ("bytes", lambda: bytearray(b"abc")),
    ("bytes", lambda: memoryview(bytearray(b"abc"))),
    ("bytes", lambda: array.array("b", [1, 2])),
    of_numpy("bytes", lambda: numpy.zeros(3, numpy.uint8)),
    ("text", lambda: bytearray(b"abc")),
    ("text", lambda: (c_char * 4)()),
    ("text", lambda: (c_ubyte * 4)()),
    ("any", lambda: array.array("d", [1, 2])),
    ("any", lambda: bytearray(b"abc")),
    of_numpy("any", lambda: numpy.zeros(3, "D")),
    ("any", lambda: Point(1, 2)),
    ("wide", lambda: array.array("u", "abc")),
    of_numpy("points", lambda: numpy.zeros(2, [("x", "i"), ("y", "i")])),
    ("points", lambda: bytearray(16)),
    of_numpy("addresses", lambda: numpy.zeros(2, numpy.uintp)),
    ("addresses", lambda: (c_void_p * 2)()),
    ("texts", lambda: (ctypes.c_char_p * 2)(b"a", None)),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "make"), FITS)
def test_what_has_memory_of_the_right_items_is_taken_where_it_is(host, reported, way, kind, make):
    value = make()
    found, _owner = way(host, kind, value)
    assert not reported, reported
    assert found == address_of(value)


@pytest.mark.parametrize("way", WAYS)
def test_pointers_texts_and_addresses_are_taken(host, reported, way):
    point = host.struct.point(1, 2)
    numbers = (c_int * 3)(1, 2, 3)
    place = ctypes.addressof(point)
    for kind, value, expected in [
        ("points", point, place),
        ("points", pointer(point), place),
        ("points", byref(point), place),
        ("points", c_void_p(place), place),
        ("points", None, None),
        ("number", numbers, ctypes.addressof(numbers)),
        ("number", byref(numbers, 4), ctypes.addressof(numbers) + 4),
        ("number", pointer(c_int.from_buffer(numbers)), ctypes.addressof(numbers)),
        ("count", pointer(c_int.from_buffer(numbers)), ctypes.addressof(numbers)),
        ("any", place, place),
        ("any", pointer(point), place),
        ("any", byref(point, 4), place + 4),
        ("any", identity, ctypes.cast(identity, c_void_p).value),
    ]:
        assert way(host, kind, value)[0] == expected, (kind, value)
    for kind, value, expected in [
        ("text", "Größe", "Größe".encode()),
        ("text", b"bytes", b"bytes"),
        ("any", "Größe", "Größe".encode()),
        ("bytes", b"\1\2", b"\1\2"),
        ("bytes", "text", b"text"),
    ]:
        found, _owner = way(host, kind, value)
        if way is not as_argument or (kind, type(value)) == ("text", bytes):  # else for the call
            assert ctypes.string_at(found) == expected
    if way is not as_argument:
        found, _owner = way(host, "wide", "Größe")
        assert ctypes.wstring_at(found) == "Größe"
    assert not reported, reported


REFUSED = [
    ("real", lambda: "text", ""),
    ("real", lambda: b"bytes", "make an array of numbers"),
    ("real", lambda: array.array("i", [1]), "format 'i'"),
    ("real", lambda: array.array("f", [1]), "format 'f'"),
    of_numpy("real", lambda: numpy.zeros(4)[::2], "not contiguous"),
    ("real", lambda: memoryview(bytes(16)).cast("d"), "read-only"),
    of_numpy("real", lambda: numpy.zeros(2, ">f8"), "format '>d'"),
    ("real", lambda: (c_int * 2)(), ""),
    ("real", lambda: pointer(c_int(1)), "ctypes.cast"),
    ("real", lambda: byref(c_int(1)), ""),
    ("real", lambda: object(), ""),
    ("real", lambda: 1.5, ""),
    ("number", lambda: array.array("d", [1]), "format 'd'"),
    ("number", lambda: array.array("q", [1]), "format 'q'"),
    ("flags", lambda: bytearray(2), "format 'B'"),
    ("bytes", lambda: array.array("i", [1]), "format 'i'"),
    ("text", lambda: pointer(c_int(1)), ""),
    ("text", lambda: array.array("d", [1]), "format 'd'"),
    ("text", lambda: 1.5, ""),
    ("points", lambda: Point(), ""),
    ("points", lambda: bytearray(9), ""),
    ("points", lambda: "text", ""),
    ("wide", lambda: b"bytes", ""),
    ("texts", lambda: b"bytes", ""),
    ("any", lambda: object(), ""),
    ("any", lambda: len, ""),
    of_numpy("any", lambda: numpy.zeros(4)[::2], "not contiguous"),
    ("any", lambda: memoryview(bytes(16)).cast("d"), "read-only"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "make", "reason"), REFUSED)
def test_the_rest_is_refused_with_the_reason(host, reported, way, kind, make, reason):
    if way is returned:
        assert way(host, kind, make())[0] is None
        (report,) = reported
        error = report.exception
    else:
        with pytest.raises((epy.FieldError, epy.ArgumentError)) as raised:
            way(host, kind, make())
        error = raised.value
    assert f"`{KINDS[kind].removeprefix('const ')}" in str(error) or kind == "wide"
    assert reason in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("prototype", [POINTER(c_double), c_void_p])
def test_plain_types_of_ctypes_take_the_same(reported, prototype):
    samples = array.array("d", [1, 2])
    give = epy.callback(CFUNCTYPE(prototype), lambda: samples)
    assert CFUNCTYPE(c_void_p)(give.address)() == samples.buffer_info()[0]
    wrong = epy.callback(CFUNCTYPE(POINTER(c_double)), lambda: "text")
    assert CFUNCTYPE(c_void_p)(wrong.address)() is None
    assert str(reported[0].exception).startswith("expected a `double *`, got 'text': ")


# ---- lifetimes


def can_grow(data):
    try:
        data.append(0)
    except BufferError:
        return False
    return True


def test_a_buffer_cannot_be_resized_while_the_host_may_look(host):
    data = bytearray(b"abc")
    callback = host.callback("maker_of_bytes", lambda: data)
    call = CFUNCTYPE(c_void_p)(callback.address)
    call()
    assert not can_grow(data)
    old, data = data, None
    call()
    assert can_grow(old)

    data = bytearray(b"abc")
    struct = host.struct.all(bytes=data)
    assert not can_grow(data)
    struct.bytes = b"other"
    assert can_grow(data)
    struct.any = data
    assert not can_grow(data)
    del struct
    assert can_grow(data)
    as_argument(host, "bytes", data)
    as_argument(host, "any", data)
    as_argument(host, "text", data)
    assert can_grow(data)


def test_what_a_pointer_led_to_when_it_was_returned_stays(host):
    first = host.struct.point(1, 2)
    gone = weakref.ref(first)
    leads = pointer(first)
    callback = host.callback("maker_of_points", lambda: leads)
    found = CFUNCTYPE(POINTER(Point))(callback.address)()
    leads.contents = host.struct.point(3, 4)
    del first
    gc.collect()
    assert gone() is not None
    assert (found[0].x, found[0].y) == (1, 2)


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_what_is_made_of_values_goes_without_the_collector(host, no_collector):
    """A megabyte for each call would be much by the time that the collector comes."""
    made = 0

    class Memory(c_int * 1000):
        def __del__(self):
            nonlocal made
            made -= 1

    def memory():
        nonlocal made
        made += 1
        return Memory()

    callback = host.callback("maker_of_number", memory)
    call = CFUNCTYPE(c_void_p)(callback.address)
    struct = host.struct.all()
    for _ in range(10):
        call()
        struct.number = memory()
        struct.any = memory()
        as_argument(host, "number", memory())
        as_argument(host, "any", memory())
    assert made == 3
    lists = host.callback("maker_of_number", lambda: [1] * 1000)
    call = CFUNCTYPE(c_void_p)(lists.address)
    call()
    before = sys.getallocatedblocks()
    for _ in range(1000):
        call()
        struct.number = [1, 2, 3]
        struct.points = [(1, 2), {"x": 3}]
        struct.text = "a text"
    assert sys.getallocatedblocks() - before < 1000  # less than one for each round


# ---- calls of the host


def test_epy_call_takes_memory_of_python_s(build_plugin, compile_c, run):
    plugin = build_plugin("""
import array, ctypes, epy
from ctypes import CFUNCTYPE, POINTER, c_double, c_int, c_size_t, c_void_p

host = epy.header("double sum(double *v, int n); int total(void); double *same(double *v);"
                  "double last(void); unsigned long length(const char *s);")
samples = array.array("d", [1, 2, 3.5])

@host.export
def total():
    native = ctypes.CDLL(None).sum
    native.restype = c_double
    untyped = epy.call(native, samples, 3)
    native.argtypes = POINTER(c_double), c_int
    typed = epy.call(native, samples, 3)
    try:
        epy.call(native, array.array("i", [1]), 1)
    except (TypeError, ValueError) as error:
        print(error)
    return untyped == typed == epy.call(host.sum, samples, 3) == host.sum(samples, 3) == 6.5

@host.export
def last():
    return epy.tail_call(host.sum, memoryview(samples)[1:], 2)
""")
    program = compile_c(
        """
#include <dlfcn.h>
#include <stdio.h>
double sum(double *v, int n) { return n == 0 ? 0 : v[0] + sum(v + 1, n - 1); }
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[1], RTLD_NOW);
    printf("%d\\n", ((int (*)(void))dlsym(plugin, "total"))());
    printf("%g\\n", ((double (*)(void))dlsym(plugin, "last"))());
}
""",
        "-rdynamic",
    )
    lines = run(program, plugin).stdout.splitlines()
    assert lines[1:] == ["1", "5.5"]
    assert "format 'i'" in lines[0]


def test_memory_of_python_s_is_exported_as_data(build_plugin, compile_c, run):
    plugin = build_plugin("""
import array, epy
host = epy.header("struct s { double *samples; char *name; unsigned char *more; };"
                  "extern struct s data;")
host.export_data("data", host.struct.s(samples=array.array("d", [1, 2.5]), name=bytearray(b"name"),
                                       more=memoryview(b"abcd")[1:]))
@epy.export("int f(void)")
def f():
    return 0
""")
    program = compile_c("""
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
    struct { double *samples; char *name; unsigned char *more; } *s =
        dlsym(dlopen(argv[1], RTLD_NOW), "data");
    printf("%g %.4s %c\\n", s->samples[1], s->name, s->more[2]);
}
""")
    assert run(program, plugin).stdout == "2.5 name d\n"
