"""Objects where a header has `void *`: user data, opaque to the host and without a type."""

from __future__ import annotations

import ctypes
import gc
from ctypes import CFUNCTYPE, c_int, c_void_p
from typing import Any

import pytest

import epy


class Data(epy.Object):
    live = 0

    def __init__(self, number: int = 0) -> None:
        self.number = number
        Data.live += 1

    def __del__(self) -> None:
        Data.live -= 1


class Other(epy.Object):
    pass


HOST = epy.header("""
struct entry { int n; void *data; void *more[2]; };
struct opaque;
typedef void *(*maker)(void);
typedef int (*finder)(void **place);
void *memchr(const void *data, int c, unsigned long size);
void *memmove(void *data, int *from, unsigned long size);
long labs(struct opaque *one);
""")


@pytest.fixture(autouse=True)
def nothing_stays() -> Any:
    yield
    gc.collect()
    assert Data.live == 0


def given_back(pointer: Any) -> int:
    """The number of the object, whose only reference the host has."""
    found = Data.from_handle(pointer)
    epy.release(found)
    with pytest.raises(epy.InvalidHandleError):
        Data.from_handle(pointer)
    return int(found.number)


def test_an_object_is_the_user_data_of_a_field() -> None:
    entry = HOST.entry(data=Data(1), more=[Data(2), None])
    entry.n = 3
    assert given_back(entry.data) == 1
    assert given_back(entry.more[0]) == 2


def test_an_object_is_an_argument() -> None:
    one = Data(5)
    assert HOST.memchr(one, 0, 0) is None
    assert given_back(epy.address(one)) == 5


def test_an_object_is_given_once_beside_an_out_parameter() -> None:
    pointer, _ = HOST.memmove(Data(6), epy.out, 0)
    assert given_back(pointer) == 6


def test_an_object_is_a_result_and_an_out_parameter() -> None:
    make = HOST.callback("maker", lambda: Data(7))
    assert given_back(CFUNCTYPE(c_void_p)(make.address)()) == 7

    @HOST.callback("finder")
    def find(place):
        place[0] = Data(8)
        return 1

    place = c_void_p()
    assert CFUNCTYPE(c_int, c_void_p)(find.address)(ctypes.addressof(place)) == 1
    assert given_back(place.value) == 8


@pytest.mark.parametrize(
    "arguments", [(Data, "x", 0), ("x", Data, 0), (Data, 0, 0.5), (Data,), (Data, 0, 0, 0)]
)
def test_a_call_that_is_refused_gives_the_host_nothing(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(epy.ArgumentError):
        HOST.memchr(*(it() if it is Data else it for it in arguments))


def test_a_typed_pointer_leads_to_no_object() -> None:
    with pytest.raises(epy.ArgumentError, match=r"is `struct opaque \*`: .* does not fit"):
        HOST.labs(Data())


def test_what_is_no_handle_of_the_class_is_refused() -> None:
    handle = Other._handle_type_(Other()).value
    assert isinstance(Other.from_handle(handle), Other)
    assert isinstance(epy.Object.from_handle(handle), Other)
    assert Data.from_handle(None) is None
    for pointer in (handle, 5, ctypes.create_string_buffer(8)):
        with pytest.raises(epy.InvalidHandleError):
            Data.from_handle(pointer)
