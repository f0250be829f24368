"""What the structs of headers keep alive, and for how long; threads that fill them at once."""

from __future__ import annotations

import ctypes
import gc
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, c_char_p, c_void_p, cast, pointer
from threading import Barrier
from typing import Any

import pytest

import epy

TEXT = """
struct inner { int x; double y; };
struct node {
    const char *name;
    struct node *next;
    struct inner pair[2];
    int (*call)(int);
    const char *const *words;
    struct inner *inners;
    void *data;
    int (*table[2])(int);
    const char *texts[2];
};
"""


@pytest.fixture(scope="module")
def host() -> Any:
    return epy.header(TEXT)


def through_c(field: Any, *arguments: Any) -> Any:
    """What C gets by calling a function pointer: not Python's own shortcut."""
    plain = ctypes.CFUNCTYPE(type(field)._restype_, *type(field)._argtypes_)
    return plain(cast(field, c_void_p).value)(*arguments)


def test_a_callback_is_kept_by_the_struct_and_goes_with_it(host: Any) -> None:
    def function(x: int) -> int:
        return 2 * x

    gone = weakref.ref(function)
    node = host.struct.node(call=function)
    del function
    gc.collect()
    assert through_c(node.call, 4) == 8
    del node
    gc.collect()
    assert gone() is None


def test_values_stored_through_pointers_outlive_the_pointer(host: Any) -> None:
    """Memory that Python does not own: as if a host had handed it over."""
    memory = ctypes.create_string_buffer(ctypes.sizeof(host.struct.node))
    address = ctypes.addressof(memory)

    def fill() -> Any:
        p = cast(address, POINTER(host.struct.node))
        p.name = "kept " + "alive"
        p.words = ["a" * 50, "b" * 50]
        p.call = lambda x: x + 1
        p.inners = [(1, 2.0)]
        p.next = {"name": "next"}
        p.texts[0] = "in an " + "array"
        p.table[0] = lambda x: x + 2
        p.pair[0] = {"x": 3}
        return p.contents

    fill()
    gc.collect()
    again = cast(address, POINTER(host.struct.node))
    assert again.name == b"kept alive"
    assert again.words[:2] == [b"a" * 50, b"b" * 50]
    assert through_c(again.call, 1) == 2
    assert again.inners[0].y == 2.0
    assert again.next.name == b"next"
    assert again.texts[0] == b"in an array"
    assert through_c(again.table[0], 1) == 3
    assert again.pair[0].x == 3


def test_equal_strings_and_callables_are_kept_once(host: Any) -> None:
    memory = ctypes.create_string_buffer(ctypes.sizeof(host.struct.node))
    p = cast(memory, POINTER(host.struct.node))
    function = len
    addresses = set()
    for _ in range(100):
        p.name = "equal " + "string"
        p.call = function
        p.data = "equal " + "string"
        addresses.add((c_void_p.from_buffer(memory).value, cast(p.call, c_void_p).value, p.data))
    assert len(addresses) == 1


def test_an_out_parameter_of_char_pointer_keeps_its_text(host: Any) -> None:
    place = c_char_p()
    out = cast(pointer(place), type(host.struct.node().words))
    out[0] = "mess" + "age"
    del out
    gc.collect()
    assert place.value == b"message"


@pytest.fixture
def eager_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_ask_for_a_class_at_once_get_a_complete_one(
    eager_switches: None,
) -> None:
    """As requests do that a server's threads answer."""
    count, threads = 200, 8
    host = epy.header(
        "".join(f"struct s{i} {{ int a; double b; struct s{i} *next; }};" for i in range(count))
    )
    start = Barrier(threads)

    def use() -> list[Any]:
        start.wait()
        seen = []
        for i in range(count):
            value = getattr(host, f"s{i}")(a=i, b=0.5)
            value.next = value
            seen.append((type(value), type(value.next), value.next.a))
        return seen

    with ThreadPoolExecutor(threads) as pool:
        first, *others = [job.result() for job in [pool.submit(use) for _ in range(threads)]]
    assert [number for *_, number in first] == list(range(count))
    assert all(other == first for other in others)


def test_threads_that_store_a_callable_at_once_store_one_address(eager_switches: None) -> None:
    host = epy.header("struct s { int (*call)(int); };")
    memory = host.s()
    pointers = [ctypes.pointer(memory) for _ in range(8)]
    for _ in range(100):

        def function(number: int) -> int:
            return number

        start = Barrier(len(pointers))

        def store(place: Any, start: Barrier = start, function: Any = function) -> int | None:
            start.wait()
            kept = host.s.from_address(ctypes.addressof(memory))
            kept.call = function
            return cast(kept.call, c_void_p).value

        with ThreadPoolExecutor(len(pointers)) as pool:
            assert len(set(pool.map(store, pointers))) == 1
