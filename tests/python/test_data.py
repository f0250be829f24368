"""Exported data: what a ctypes value reaches, and the memory that a script gets."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    Union,
    addressof,
    c_char_p,
    c_double,
    c_int,
    c_long,
    c_short,
    c_void_p,
    c_wchar_p,
    cast,
    pointer,
    py_object,
    sizeof,
)
from typing import Any

import pytest

import epy
from epy import _core
from epy._command.building import Building
from epy._exports.data import layout
from epy._exports.memory import collect
from epy._parts import DataEntry
from epy._plugin import Running
from epy._script import Script, registry

FUNCTION = CFUNCTYPE(c_int, c_int)


class Builtin(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("function", FUNCTION),
        ("flags", c_int),
        ("long_doc", POINTER(c_char_p)),
        ("handle", c_void_p),
    ]


class Node(Structure):
    pass


Node._fields_ = [("next", POINTER(Node)), ("value", c_int)]


class Base(Structure):
    _fields_ = [("text", c_wchar_p), ("bits", c_int, 3), ("more", c_int, 5)]


class Derived(Base):
    _fields_ = [("inner", Builtin * 2)]


class Either(Union):
    _fields_ = [("number", c_long), ("text", c_char_p), ("function", FUNCTION)]


class FakePlugin:
    """Stands in for `_core.NativePlugin`: a plugin mapped at `base`."""

    path = "/plugins/synth.so"
    base = 0

    def __init__(self) -> None:
        self.published: list[tuple[int, Any]] = []
        self.appended: list[tuple[str, int, int]] = []

    def trampoline(self, index: int) -> int:
        return 0x10000 + 16 * index

    def publish(self, index: int, target: Any) -> None:
        self.published.append((index, target))

    def exported_data(self, name: str, address: int, size: int) -> memoryview:
        return memoryview((ctypes.c_char * size).from_address(self.base + address))

    def append_data(self, name: str, address: int, size: int) -> int:
        self.appended.append((name, address, size))
        return address


@pytest.fixture
def building() -> Iterator[Building]:
    """Exports of the test go here, as if `epy build` imported it."""
    script = Building("synth", "/synth.py")
    registry.building = script
    yield script
    registry.building = None


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Exports of the test go here, as if its plugin ran it."""
    plugin: Any = FakePlugin()
    script = Running("synth", plugin)
    monkeypatch.setitem(registry.by_plugin, plugin, script)
    monkeypatch.setattr(_core, "current_plugin", lambda: plugin)
    return script


def offset(ctype: Any, field: str) -> int:
    return int(getattr(ctype, field).offset)


def test_strings_and_arrays_become_blocks_in_the_order_of_fields() -> None:
    documentation = (c_char_p * 3)(b"adds", b"numbers", None)
    value = Builtin(b"add", FUNCTION(), 1, documentation)
    blocks = collect([value])
    assert [block.data for block in blocks[1:]] == [b"add\0", bytes(24), b"adds\0", b"numbers\0"]
    assert blocks[0].relocations == [
        (offset(Builtin, "name"), ("block", 1, 0)),
        (offset(Builtin, "long_doc"), ("block", 2, 0)),
    ]
    assert blocks[2].relocations == [(0, ("block", 3, 0)), (8, ("block", 4, 0))]
    assert blocks[0].data == bytes(16) + b"\1" + bytes(23)
    assert [block.align for block in blocks] == [8, 1, 8, 1, 1]


def test_functions_are_found_in_function_and_void_pointers() -> None:
    callback = epy.callback(FUNCTION, abs)
    libc = ctypes.CDLL(None)
    value = Builtin(None, callback)
    value.handle = cast(libc.getpid, c_void_p)
    found = [target for _, target in collect([value])[0].relocations]
    getpid = cast(libc.getpid, c_void_p).value
    assert found == [("function", callback.address), ("function", getpid)]

    value.handle = callback.address  # a bare address is a function only if it is known
    known = collect([value], {callback.address})[0].relocations[1][1]
    assert known == ("function", callback.address)


def test_pointers_into_other_roots_and_blocks_keep_their_offset() -> None:
    numbers = (c_int * 4)(1, 2, 3, 4)
    first, second = Builtin(), Builtin()
    first.handle = addressof(second) + 16
    second.handle = cast(numbers, c_void_p)
    blocks = collect([first, second, numbers])
    assert len(blocks) == 3
    assert blocks[0].relocations == [(32, ("block", 1, 16))]
    assert blocks[1].relocations == [(32, ("block", 2, 0))]


def test_cycles_and_shared_objects_are_stored_once() -> None:
    first, second = Node(value=1), Node(value=2)
    first.next, second.next = pointer(second), pointer(first)
    blocks = collect([first])
    assert [block.relocations for block in blocks] == [
        [(0, ("block", 1, 0))],
        [(0, ("block", 0, 0))],
    ]


def test_a_long_list_is_no_recursion() -> None:
    last = Node(value=0)
    for number in range(5000):
        last = Node(pointer(last), number)
    assert len(collect([last])) == 5001


def test_inherited_nested_and_wide_fields() -> None:
    value = Derived("wide")
    value.inner[1].name = b"nested"
    value.bits = 2
    blocks = collect([value])
    assert blocks[1].data == "wide\0".encode("utf-32-le")
    assert blocks[0].relocations == [
        (0, ("block", 1, 0)),
        (offset(Derived, "inner") + sizeof(Builtin), ("block", 2, 0)),
    ]
    assert blocks[2].data == b"nested\0"


def test_part_of_an_array_brings_the_whole_array() -> None:
    nodes = (Node * 3)(Node(value=1), Node(value=2), Node(value=3))
    root = Node(pointer(nodes[1]))
    blocks = collect([root])
    assert blocks[0].relocations == [(0, ("block", 1, sizeof(Node)))]
    assert len(blocks[1].data) == 3 * sizeof(Node)


def test_a_union_may_hold_what_is_no_pointer() -> None:
    assert collect([Either(number=0x123456789)])[0].relocations == []
    assert collect([Either(text=b"x")])[0].relocations == [(0, ("block", 1, 0))]
    callback = epy.callback(FUNCTION, abs)
    found = collect([Either(function=callback)])[0].relocations
    assert found == [(0, ("function", callback.address))]


def test_constants_in_pointers_stay() -> None:
    for constant in (1, 4095, (1 << 64) - 1):
        (block,) = collect([Builtin(handle=constant)])
        assert block.data[32:] == constant.to_bytes(8, "little")


def test_pointers_to_memory_that_may_go_are_refused() -> None:
    number = c_int(1)
    with pytest.raises(epy.StampError, match=r"^Builtin\.handle points to memory that"):
        collect([Builtin(handle=addressof(number))])
    with pytest.raises(epy.StampError, match=r"^Derived\.inner\[1\]\.handle "):
        collect([Derived(inner=(Builtin(), Builtin(handle=addressof(number))))])
    with pytest.raises(epy.StampError, match="a Python object cannot be exported"):
        collect([py_object(3)])


def test_simple_objects_and_pointers_are_data_too() -> None:
    assert collect([c_int(7)])[0].data == b"\7\0\0\0"
    blocks = collect([c_char_p(b"text")])
    assert (blocks[0].relocations, blocks[1].data) == ([(0, ("block", 1, 0))], b"text\0")
    assert collect([pointer(c_int(9))])[1].data == b"\t\0\0\0"


def test_layouts_differ_exactly_if_memory_does() -> None:
    class Same(Structure):
        _fields_ = Builtin._fields_

    class Shorter(Structure):
        _fields_ = [("name", c_char_p), ("function", FUNCTION), ("flags", c_short)]

    class Swapped(Structure):
        _fields_ = [("x", c_int), ("y", c_double)]

    class Packed(Structure):
        _pack_ = 1
        _layout_ = "ms"
        _fields_ = Swapped._fields_

    assert layout(Same) == layout(Builtin)
    assert layout(Node) == "{next@0:*^2;value@8:i;16}"
    types = [Builtin, Shorter, Swapped, Packed, Node, Base, Derived, Either, c_int, c_int * 2]
    assert len({layout(ctype) for ctype in types}) == len(types)


def test_at_build_the_value_itself_is_exported(building: Building) -> None:
    @epy.export(FUNCTION)
    def exported(x: int) -> int:
        return x

    callback = epy.callback(FUNCTION, abs)
    values = [Builtin(b"a", exported, 1), Builtin(b"b", callback, 2)]
    for index, value in enumerate(values):
        assert epy.export_data(f"data{index}", value) is value
    first, second = building.exports["data0"], building.exports["data1"]
    assert (first.kind, first.text, first.functions) == ("data", "struct Builtin data0", ())
    assert second.functions == (callback.address,)
    with pytest.raises(epy.ExportNameError):
        epy.export_data("data0", c_int(1))


def test_functions_of_other_exported_data_are_its_own(building: Building) -> None:
    inner = epy.export_data("inner", Builtin(b"a", epy.callback(FUNCTION, abs)))
    outer = Builtin(handle=addressof(inner))
    epy.export_data("outer", outer)
    assert building.exports["outer"].functions == ()
    building.check_complete()


def test_text_is_an_array_with_its_nul(building: Building) -> None:
    assert sizeof(epy.export_data("text", "größe")) == 8
    assert epy.export_data("raw", b"ab").raw == b"ab\0"
    assert building.exports["raw"].text == "char raw[3]"
    with pytest.raises(epy.SignatureError, match="dict is no ctypes object"):
        epy.export_data("wrong", {})


def test_a_function_set_too_late_is_an_error(building: Building) -> None:
    value = epy.export_data("late", Builtin(b"a"))
    building.check_complete()
    value.flags = 3
    building.check_complete()
    value.function = epy.callback(FUNCTION, abs)
    with pytest.raises(epy.StampError, match="'late': a function pointer was set after"):
        building.check_complete()


def test_at_run_time_the_object_lies_on_the_plugin_s_memory(running: Script) -> None:
    callback = epy.callback(FUNCTION, abs)
    stored = Builtin(b"stored", flags=5)
    running.loaded["builtin"] = DataEntry(addressof(stored), sizeof(Builtin), layout(Builtin), (7,))
    value = epy.export_data("builtin", Builtin(b"fresh", callback, 1))
    assert (value.name, value.flags) == (b"stored", 5)
    value.flags = 6
    assert stored.flags == 6
    plugin: Any = running.native
    assert plugin.published == [(7, callback.callback)]
    assert running.exports["builtin"].keep == (callback.callback,)


def test_at_run_time_a_ctypes_callback_is_published_as_an_address(running: Script) -> None:
    stored = Builtin()
    running.loaded["builtin"] = DataEntry(addressof(stored), sizeof(Builtin), layout(Builtin), (7,))
    thunk = FUNCTION(abs)
    epy.export_data("builtin", Builtin(b"fresh", thunk))
    plugin: Any = running.native
    assert plugin.published == [(7, cast(thunk, c_void_p).value)]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (3, "'number' was a function when /plugins/synth.so was built: run `epy build` again"),
        (DataEntry(0, 8, "i", ()), "has another layout"),
        (DataEntry(0, 4, "I", ()), "has another layout"),
        (DataEntry(0, 4, "i", (1,)), "has 0 function pointers that are no exports, 1 when"),
    ],
)
def test_data_that_differs_from_the_build_is_refused(
    running: Script, entry: int | DataEntry, problem: str
) -> None:
    running.loaded["number"] = entry
    with pytest.raises(epy.LayoutError, match=problem):
        epy.export_data("number", c_int(1))
    assert not running.exports


def test_a_name_that_was_not_built_gets_the_value_s_own_memory(running: Script) -> None:
    value = c_int(4)
    assert epy.export_data("extra", value) is value
    plugin: Any = running.native
    assert plugin.appended == [("extra", addressof(value), 4)]
