"""What a script does over and over takes no more memory: nothing is kept for each time."""

from __future__ import annotations

import ctypes
import gc
import sys
from array import array
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_void_p, pointer
from typing import Any

import pytest

import epy

HEADER = epy.header("""
typedef int (*cmp)(const void *, const void *);
void qsort(void *base, unsigned long count, unsigned long size, cmp compare);
typedef void *gain;
struct item { int number; struct item *next; int (*call)(int); };
""")

Plain = CFUNCTYPE(c_int, c_void_p, c_void_p)
numbers = (c_int * 1)(1)
place = c_int(1)
held = pointer(place)
text = c_char_p(b"text")


def compare(a: c_void_p, b: c_void_p) -> c_int:
    return 0  # type: ignore[return-value]


class Gain(epy.Object):
    pass


def classes_of_handles() -> None:
    class One(epy.Object):
        pass

    assert POINTER(One) is POINTER(One._handle_type_)


def pointers_to_handles() -> None:
    cell = Gain._handle_type_()
    pointer(cell)[0] = None


def handles() -> None:
    Gain._handle_type_(Gain())


def ready_made_callbacks_of_another_type() -> None:
    HEADER.qsort(numbers, 1, 4, epy.callback(Plain, compare))


def ready_made_callbacks_of_the_header() -> None:
    HEADER.qsort(numbers, 1, 4, HEADER.callback("cmp", compare))


def the_same_function() -> None:
    HEADER.qsort(numbers, 1, 4, compare)


def callbacks() -> None:
    epy.callback(Plain, compare)


def callbacks_with_annotations() -> None:
    HEADER.callback("cmp", compare)


def addresses() -> None:
    for value in (pointer(place), held, text, Plain(), byref(place), place, numbers):
        epy.address(value)


def refused_calls() -> None:
    with pytest.raises((ctypes.ArgumentError, epy.ArgumentError)):
        HEADER.qsort(numbers, "text", 4, compare)


def calls_of_null() -> None:
    with pytest.raises(ValueError, match="NULL"):
        Plain()(None, None)


def fields() -> None:
    item = HEADER.item(number=1)
    item.next = item.next or None
    item.call  # noqa: B018
    pointer(item).number = 2


def structs_of_the_script() -> None:
    class Holder(Structure):
        _fields_ = [("number", c_int)]

    Holder(3)


def buffers() -> None:
    HEADER.qsort(array("i", [1]), 1, 4, compare)


@pytest.mark.parametrize(
    "operation",
    [
        classes_of_handles,
        pointers_to_handles,
        handles,
        ready_made_callbacks_of_another_type,
        ready_made_callbacks_of_the_header,
        the_same_function,
        callbacks,
        callbacks_with_annotations,
        addresses,
        refused_calls,
        calls_of_null,
        fields,
        structs_of_the_script,
        buffers,
    ],
)
def test_memory_stays(operation: Any) -> None:
    def blocks(times: int) -> int:
        for _ in range(times):
            operation()
        gc.collect()
        return sys.getallocatedblocks()

    before = blocks(200)
    # One for each time would be 5,000; Python itself keeps some free tuples and the like.
    assert blocks(5000) - before < 2500


def test_an_address_leaves_no_cycle() -> None:
    gc.collect()
    gc.disable()
    try:
        addresses()
        assert gc.collect() == 0
    finally:
        gc.enable()
