"""What scripts use to answer a host: epy.put, epy.address, epy.methods, epy.set_errno."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char, c_int, c_int8, c_void_p

import pytest

import epy

# ---- put

PUT = """
import epy
from ctypes import CFUNCTYPE, POINTER, c_char, c_int, c_uint16, c_void_p, c_wchar

TEXTS = {"plain": "abcdef", "empty": "", "wide": "a\\u00e9\\U0001f40d", "bytes": b"ab\\xff\\x00c"}
KINDS = {"address": c_void_p, "char": POINTER(c_char), "wchar": POINTER(c_wchar),
         "short": POINTER(c_uint16)}

for kind, ctype in KINDS.items():
    for name, text in TEXTS.items():
        prototype = CFUNCTYPE(c_int, ctype, c_int, POINTER(c_int))

        @epy.export(prototype, name=f"{kind}_{name}", error=-9)
        def put(buffer, size, length, text=text):
            return epy.put(text, buffer, size, length)
"""


@pytest.fixture
def put(native, run, build_plugin):
    """`put(*commands)`: what the host saw."""
    plugin = build_plugin(PUT)

    def put(*commands):
        result = run(native("interface"), plugin, *commands)
        return result.stdout.splitlines(), result.stderr

    return put


def test_put_fills_a_buffer_and_gives_the_length(put):
    lines, errors = put(
        "char address_plain 16", "char char_plain 7", "char char_empty 16", "char char_bytes 16"
    )
    abc = "61 62 63 64 65 66 0"
    assert lines == [f"6 6 {abc}", f"6 6 {abc}", "0 0 0", "5 5 61 62 ff 0 63 0"]
    assert errors == ""


def test_put_cuts_off_what_does_not_fit(put):
    lines, errors = put(
        "char char_plain 6", "char char_plain 1", "char char_plain 0", "char char_plain -3",
        "char char_bytes 4",
    )  # fmt: skip
    assert lines == ["6 6 61 62 63 64 65 0", "6 6 0", "6 6 ", "6 6 ", "5 5 61 62 ff 0"]
    assert errors == ""


def test_put_cuts_str_between_characters(put):
    # UTF-8: a, c3 a9, f0 9f 90 8d; UTF-16: a, e9, d83d dc0d.
    lines, errors = put(*(f"char char_wide {size}" for size in (8, 7, 4, 3)),
                        "short short_wide 5", "short short_wide 4")  # fmt: skip
    assert lines == [
        "7 7 61 c3 a9 f0 9f 90 8d 0", "7 7 61 c3 a9 0", "7 7 61 c3 a9 0", "7 7 61 0",
        "4 4 61 e9 d83d dc0d 0", "4 4 61 e9 0",
    ]  # fmt: skip
    assert errors == ""


def test_put_fills_wide_buffers(put):
    lines, errors = put("wide wchar_wide 16", "wide wchar_wide 3", "wide wchar_bytes 16")
    assert lines == ["3 3 61 e9 1f40d 0", "3 3 61 e9 0", "-9 -1 "]
    assert "TypeError: bytes is no text for such a buffer" in errors


def test_put_writes_nothing_through_null(put):
    lines, errors = put("null char_plain", "null address_wide", "null wchar_wide")
    assert lines == ["6", "7", "3"]
    assert errors == ""


def test_put_knows_arrays_and_other_integers():
    array = (c_char * 4)()
    length = ctypes.c_size_t(0)
    assert epy.put("abcdef", array, 4, ctypes.pointer(length)) == 6
    assert array.value == b"abc"
    assert length.value == 6
    assert epy.put("xy", ctypes.addressof(array), 4) == 2
    assert array.raw == b"xy\0\0"
    with pytest.raises(ValueError, match="the array has 4 elements, not 5"):
        epy.put("a", array, 5)


def test_put_refuses_what_it_cannot_fill():
    array = (c_char * 4)(b"x")
    with pytest.raises(TypeError, match=r"a copy of the host's buffer: declare .* c_void_p"):
        epy.put("a", b"copy", 4)
    with pytest.raises(TypeError, match="a buffer of c_double holds no text"):
        epy.put("a", (ctypes.c_double * 4)(), 4)
    with pytest.raises(TypeError, match="length must be a pointer to an integer"):
        epy.put("a", array, 4, 3)
    with pytest.raises(OverflowError, match="the length 300 does not fit c_byte"):
        epy.put("a" * 300, array, 4, ctypes.pointer(c_int8(0)))
    with pytest.raises(UnicodeEncodeError):
        epy.put("\udcff", array, 4)
    assert array.raw == b"x\0\0\0"


# ---- address


def test_address_gives_what_c_sees():
    number = c_int(3)
    place = ctypes.addressof(number)
    text = ctypes.c_char_p(b"text")
    for pointer in (place, c_void_p(place), ctypes.pointer(number), byref(number), number):
        assert epy.address(pointer) == place
    assert epy.address(text) == ctypes.cast(text, c_void_p).value
    assert epy.address(POINTER(c_int)()) == epy.address(c_void_p()) == epy.address(None) == 0
    assert epy.address(-1) == 2**64 - 1
    array = (c_int * 3)()
    assert epy.address(array) == ctypes.addressof(array)


def test_address_of_functions_is_what_c_calls():
    strlen = ctypes.CDLL(None).strlen
    assert epy.address(strlen) == ctypes.cast(strlen, c_void_p).value

    @epy.callback("int (*)(int)")
    def twice(value):
        return 2 * value

    assert epy.address(twice) == twice.address
    assert ctypes.CFUNCTYPE(c_int, c_int)(epy.address(twice))(4) == 8


def test_address_of_an_object_is_its_handle():
    class Node(epy.Object):
        pass

    node = Node()
    with pytest.raises(epy.InvalidHandleError, match="the host has no handle of"):
        epy.address(node)
    handle = Node._handle_type_(node)
    assert epy.address(node) == epy.address(handle) == handle.value


def test_address_of_a_field_is_where_its_pointer_leads():
    host = epy.header(
        "struct inner { long n; const char *text; }; struct outer { struct inner i; int (*f)(int);"
        "union { char *name; long number; }; int *list, bits : 3; char letters[8], open[]; };"
    )
    data = ctypes.create_string_buffer(b"a\0b", 3)
    value = host.outer(i=(3, data), f=5, name=ctypes.addressof(data), list=[7])
    start = ctypes.addressof(value)
    assert ctypes.string_at(epy.address(value.i, "text"), 3) == b"a\0b"
    assert epy.address(ctypes.pointer(value), "name") == ctypes.addressof(data)
    assert epy.address(value, "f") == 5
    assert c_int.from_address(epy.address(value, "list")).value == 7
    for name, offset in (("i", 0), ("letters", 41), ("open", 49)):
        assert epy.address(value, name) == start + offset
    assert epy.address(host.outer(), "name") == 0
    for name in ("bits", "nothing"):
        with pytest.raises(epy.UnknownFieldError, match=f"outer has no field {name} with an add"):
            epy.address(value, name)


def test_address_refuses_what_has_none():
    for thing in (1.5, object()):
        with pytest.raises(TypeError, match="is no pointer: give a ctypes object"):
            epy.address(thing)
    for text in (b"bytes", "text"):
        with pytest.raises(TypeError, match="declare the parameter as c_void_p"):
            epy.address(text)


# ---- methods

METHODS = """
import epy
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_void_p

class Functions(Structure):
    pass

Environment = POINTER(Functions)
Functions._fields_ = [
    ("reserved", c_void_p),
    ("find", CFUNCTYPE(c_int, POINTER(Environment), c_char_p)),
    ("add", CFUNCTYPE(c_int, c_void_p, c_int, c_int)),
    ("missing", CFUNCTYPE(None, POINTER(Environment))),
]

@epy.export(error=-9)
def use_env(env: POINTER(Environment)) -> c_int:
    env = epy.methods(env)
    assert dir(env) == ["add", "find", "missing", "reserved"]
    assert not hasattr(env, "reserved") and not hasattr(env, "other")
    return env.add(env.find(b"four"), env.find(b"x") + env.find(b"y"))

@epy.export(error=-9)
def use_missing(env: POINTER(Environment)) -> c_int:
    return epy.methods(env).missing()

@epy.export(error=-9)
def use_null(env: POINTER(Environment)) -> c_int:
    return epy.methods(POINTER(Environment)()).find(b"x")

class Object(Structure):
    pass

class ObjectFunctions(Structure):
    _fields_ = [
        ("get", CFUNCTYPE(c_int, POINTER(Object))),
        ("set", CFUNCTYPE(c_int, POINTER(Object), c_int)),
    ]

Object._fields_ = [("functions", POINTER(ObjectFunctions)), ("value", c_int)]

@epy.export(error=-9)
def use_object(pointer: POINTER(Object)) -> c_int:
    thing = epy.methods(pointer)
    thing.set(thing.get() + 1)
    also = epy.methods(pointer[0])
    also.set(also.get() + 1)
    return thing.get()

@epy.export(error=-9)
def use_wrong(pointer: POINTER(c_int)) -> c_int:
    return epy.methods(pointer).get()
"""


def test_methods_binds_the_table_as_first_argument(native, run, build_plugin):
    plugin = build_plugin(METHODS)
    result = run(native("interface"), plugin, "env use_env", "object use_object")
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["6", "22 22"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("env use_missing", "AttributeError: 'missing' is NULL in this Functions"),
        ("env use_null", "ValueError: NULL is no table of functions"),
        ("object use_wrong", "TypeError: LP_c_int leads to no structure of function pointers"),
    ],
)
def test_methods_says_what_is_wrong_with_a_table(command, message, native, run, build_plugin):
    result = run(native("interface"), build_plugin(METHODS), command)
    assert result.stdout.startswith("-9")
    assert message in result.stderr


def test_methods_refuses_a_ring_of_pointers():
    class Link(ctypes.Structure):
        pass

    Link._fields_ = [("next", ctypes.POINTER(Link))]
    link = Link()
    link.next.contents = link
    with pytest.raises(TypeError, match="leads to no structure of function pointers"):
        epy.methods(link)


# ---- set_errno

ERRNO = """
import ctypes
import os
import epy
from ctypes import CFUNCTYPE, c_int

@epy.export
def fail(number: c_int) -> c_int:
    epy.set_errno(number)
    os.path.exists("/nowhere")  # what Python does in between is not the host's
    return -1

@epy.export
def leave() -> c_int:
    os.path.exists("/nowhere")
    return 0

@epy.callback(CFUNCTYPE(c_int))
def inner():
    epy.set_errno(7)
    return 0

@epy.export
def outer() -> c_int:
    epy.set_errno(3)
    native = CFUNCTYPE(c_int, use_errno=True)(inner.address)
    ctypes.set_errno(99)
    native()
    return ctypes.get_errno()

@epy.export(error=-1)
def wrong() -> c_int:
    epy.set_errno(1 << 40)
"""


def test_set_errno_is_what_the_host_sees_after_the_call(native, run, build_plugin):
    plugin = build_plugin(ERRNO)
    result = run(
        native("call"), f"open {plugin}", "errno 5 int fail 28", "errno 5 int leave",
        "errno 5 int outer", "errno 5 int wrong", "errno 5 thread errno 6 int fail 30",
    )  # fmt: skip
    assert result.stdout.splitlines() == [
        "-1", "errno 28", "0", "errno 5", "7", "errno 3", "-1", "errno 5", "-1", "errno 30",
        "errno 5",
    ]  # fmt: skip
    assert "OverflowError" in result.stderr


def test_set_errno_outside_a_call_is_an_error():
    with pytest.raises(epy.Error, match="no host is calling on this thread"):
        epy.set_errno(1)
