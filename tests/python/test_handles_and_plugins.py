"""Handles across plugins, in ctypes' places, and when a plugin goes."""

from __future__ import annotations

SHARED = """
import epy
from ctypes import c_int, c_void_p

class Box(epy.Object):
    def __init__(self, number):
        self.number = number

    def __del__(self):
        print("gone", self.number)

@epy.export
def make(number: c_int) -> Box:
    return Box(number)

@epy.export(error=-1)
def number(box: epy.Object, _: c_int) -> c_int:
    return box.number

@epy.export(error=-1)
def free(box: epy.Consumed[epy.Object], _: c_int) -> c_int:
    return box.number

@epy.on_unload
def last():
    print("unloading")
"""


def test_unloading_a_plugin_drops_what_hosts_hold_of_it_and_only_that(native, run, build_plugin):
    first = build_plugin(SHARED, name="first")
    second = build_plugin(SHARED, name="second")
    result = run(
        native("handles"), f"open {first}", f"open {second}", "make 0:make 1", "make 1:make 2",
        "call 1:number 0", "call 0:number 1", "close 0", "call 1:number 0", "call 1:number 1",
    )  # fmt: skip
    lines = result.stdout.splitlines()
    # Each takes the other's while both are there.
    assert lines[:4] == ["handle 0", "handle 1", "1", "2"]
    assert lines[4:6] == ["unloading", "gone 1"]
    assert lines[6:8] == ["-1", "2"]
    assert result.stderr.count("InvalidHandleError: 0x") == 1


def test_a_handle_belongs_to_the_plugin_that_gave_it_out_whoever_takes_it_back(
    native, run, build_plugin
):
    first = build_plugin(SHARED, name="first")
    second = build_plugin(SHARED, name="second")
    result = run(
        native("handles"), f"open {first}", f"open {second}", "make 0:make 1", "close 1",
        "call 0:number 0", "call 0:free 0",
    )  # fmt: skip
    # The second one has not started Python: it has no hook to run.
    assert result.stdout.splitlines()[:4] == ["handle 0", "1", "gone 1", "1"]


CTYPES = """
import ctypes
import epy
from ctypes import CFUNCTYPE, POINTER, Structure, c_int, c_void_p, pointer

class Node(epy.Object):
    pass

class Entry(Structure):
    _fields_ = [("count", c_int), ("node", Node._handle_type_), ("more", Node._handle_type_ * 2)]

@epy.export
def fields(_: c_int) -> Node:
    node = Node()
    entry = Entry(3, Node._handle_type_(node))
    assert entry.node.object is node
    entry.more[1] = Node._handle_type_(node)
    assert entry.more[0].object is None and entry.more[1].object is node
    assert entry.node.value == entry.more[1].value == epy.address(node)
    return node

@epy.export
def pointers(_: c_int) -> Node:
    node = Node()
    cell = Node._handle_type_()
    place = pointer(cell)
    assert type(place) is POINTER(Node) is POINTER(Node._handle_type_)
    place[0] = node
    assert place[0] is node and place.contents.object is node and cell.object is node
    place[0] = None
    assert not cell.value and place[0] is None
    try:
        place[0] = 3
    except TypeError as error:
        assert "expected an object of Node or None" in str(error)
    else:
        raise AssertionError
    try:
        POINTER(Node)()[0] = node
    except ValueError:
        assert "NULL"
    else:
        raise AssertionError
    return node

# C calls whose types are handles: through a callback's own address.
@epy.callback(CFUNCTYPE(Node, Node))
def echo(node):
    return node

@epy.export
def calls(_: c_int) -> Node:
    node = Node()
    native = CFUNCTYPE(Node._handle_type_, Node)(echo.address)
    assert native(node) is node
    assert native(None) is None
    try:
        native("text")
    except ctypes.ArgumentError:
        return node
"""


def test_ctypes_knows_handles_in_fields_arrays_pointers_and_calls(native, run, build_plugin):
    plugin = build_plugin(CTYPES)
    result = run(native("handles"), f"open {plugin}", "make fields", "make pointers", "make calls")
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["handle 0", "handle 1", "handle 2"]
