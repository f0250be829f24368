"""Every pointer to a struct of a header forwards its fields, whoever made its class and when."""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, Structure, byref, cast, pointer
from typing import Any

import pytest

import epy

TEXT = """
struct point { int x, y; };
struct event { int size; const char *name; struct point at; struct point all[2];
               union { int one; float other; } value; struct event *next; };
union either { int number; float real; };
typedef struct event *event_pointer;
struct later;
"""


@pytest.fixture
def host() -> Any:
    """Nothing has asked for a class yet."""
    return epy.header(TEXT)


def by_annotation(host: Any, memory: Any) -> Any:
    return POINTER(host.event)(memory)


def by_cast(host: Any, memory: Any) -> Any:
    return cast(byref(memory), POINTER(host.event))


def by_pointer(host: Any, memory: Any) -> Any:
    return pointer(memory)


def in_a_structure(host: Any, memory: Any) -> Any:
    class Holder(Structure):
        _fields_ = [("event", POINTER(host.event))]

    return Holder(pointer(memory)).event


def in_an_array(host: Any, memory: Any) -> Any:
    return (POINTER(host.event) * 2)(pointer(memory), pointer(memory))[1]


def behind_another(host: Any, memory: Any) -> Any:
    return POINTER(POINTER(host.event))(POINTER(host.event)(memory)).contents


def of_a_class_of_its_own(host: Any, memory: Any) -> Any:
    class Pointer(ctypes._Pointer):
        _type_ = host.event

    return Pointer(memory)


def of_a_derived_class(host: Any, memory: Any) -> Any:
    class Event(host.event):  # type: ignore[misc]
        pass

    return cast(byref(memory), POINTER(Event))


def by_the_header_later(host: Any, memory: Any) -> Any:
    mine = POINTER(host.event)
    assert host.event_pointer is mine
    memory.next = memory
    assert type(memory.next) is mine
    return memory.next


def by_the_header_before(host: Any, memory: Any) -> Any:
    assert POINTER(host.event) is host.event_pointer
    return host.event_pointer(memory)


MAKERS = [
    by_annotation,
    by_cast,
    by_pointer,
    in_a_structure,
    in_an_array,
    behind_another,
    of_a_class_of_its_own,
    of_a_derived_class,
    by_the_header_later,
    by_the_header_before,
]


@pytest.mark.parametrize("make", MAKERS)
def test_fields_are_read_and_written_through_it(host: Any, make: Any) -> None:
    memory = host.event(size=1)
    event = make(host, memory)
    assert event.size == 1
    event.size = 7
    event.name = "text"
    event.at = (3, 4)
    event[0].value.one = 5
    assert (memory.size, memory.name, memory.at.y, memory.value.one) == (7, b"text", 4, 5)
    event.contents.size = 8
    assert memory.size == 8
    with pytest.raises(epy.UnknownFieldError):
        event.sizes = 3
    with pytest.raises(epy.FieldError):
        event.size = "text"


def test_pointers_to_parts_forward_too(host: Any) -> None:
    event = host.event()
    pointer(event.at).x = 1
    pointer(event.all[1]).y = 2
    pointer(event.value).one = 3
    cast(event.all, POINTER(type(event.at))).x = 4
    POINTER(host.either)(number := host.either()).number = 5
    assert (event.at.x, event.all[1].y, event.value.one, event.all[0].x) == (1, 2, 3, 4)
    assert number.number == 5


def test_a_struct_that_is_only_declared_serves_for_pointers(host: Any) -> None:
    later = POINTER(host.later)
    assert type(cast(None, later)) is later


def test_a_class_that_only_names_a_struct_is_left_alone(host: Any) -> None:
    class Settings:
        event = host.event
        _type_ = host.event

    assert Settings.__bases__ == (object,)
    items = host.event * 3
    assert items._type_ is host.event


PLUGIN = """
import epy
from ctypes import POINTER, cast, c_int

host = epy.header('''
struct event {{ int size; }};
void known(struct event *event);
void refined(void *event);
void casted(void *event);
''')
{before}

@host.export
def refined(event: POINTER(host.event)):
    event.size = 7

@host.export
def casted(event):
    cast(event, POINTER(host.event)).size = 7
{after}
"""

KNOWN = """
@host.export
def known(event):
    event.size = 7
"""

HOST = """
import ctypes, gc, time
from _ctypes import dlclose
for _ in range(3):
    plugin = ctypes.CDLL("./plugin.so")
    for name in ("refined", "casted"):
        size = ctypes.c_int()
        plugin[name](ctypes.byref(size))
        print(size.value, end=" ")
    dlclose(plugin._handle)  # which holds the GIL: the plugin goes in the background
    left = 1
    for _ in range(600):
        gc.collect()
        left = sum(isinstance(one, type) and one.__name__ == "LP_event" for one in gc.get_objects())
        if not left:
            break
        time.sleep(0.1)
    print(left)
"""


@pytest.mark.parametrize("order", ["never", "before", "after"])
def test_in_a_plugin_whatever_was_exported_and_its_classes_go(
    order: str, build_plugin: Any, run: Any, tmp_path: Any
) -> None:
    build_plugin(PLUGIN.format(**{"before": "", "after": "", "never": "", order: KNOWN}))
    (tmp_path / "reload.py").write_text(HOST)
    assert run(sys.executable, tmp_path / "reload.py").stdout == "7 7 0\n" * 3


def test_what_is_only_pointed_to_is_not_read():
    """A table of hundreds of functions costs a plugin nothing that does not look into it."""
    header = epy.header("struct inner { int x; }; struct table { struct inner *first; int n; };")
    asked = []
    find = header._declarations.find
    classes = type(header._classes)(
        lambda name: asked.append(name) or find(name), {}, {}, epy._core.Kept(), "m", False
    )
    pointer = classes.make(("*", ("struct", "table")))
    assert pointer.__name__ == "LP_table"
    assert asked == []
    table = classes.make(("struct", "table"))(n=3)
    assert type(table) is pointer._type_
    assert asked == ["struct table"]


def test_no_header_uses_what_ctypes_gives_up(run: Any) -> None:
    """Where a script's own use of it is an error."""
    script = """
import ctypes, epy
host = epy.header("struct a { struct a *next; }; struct b; void f(struct a *, struct b *);")
a = host.a()
a.next = a
assert ctypes.POINTER(host.a) is type(a.next) is type(ctypes.pointer(a))
assert ctypes.POINTER(host.struct.b)._type_ is host.struct.b
"""
    assert run(sys.executable, "-W", "error::DeprecationWarning", "-c", script).stderr == ""
