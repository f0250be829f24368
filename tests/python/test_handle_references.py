"""Whose a handle's reference is: of the host once the handle has left Python, not before."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_int, c_long, c_void_p, cast, pointer
from typing import Any

import pytest

import epy


class Gain(epy.Object):
    live = 0

    def __init__(self, number: int = 0) -> None:
        self.number = number
        Gain.live += 1

    def __del__(self) -> None:
        Gain.live -= 1


Handle = Gain._handle_type_
Make = CFUNCTYPE(Gain, c_int)
Number = CFUNCTYPE(c_int, Gain)

HEADER = epy.header(
    """
typedef void *gain;
typedef gain (*maker)(int);
long labs(gain g, int n);
gain wmemset(gain place, int with, unsigned long count);
struct entry { gain one; gain more[2]; };
""",
    types={"gain": Gain},
)


@epy.callback(Make)
def make(number: int) -> Gain:
    return Gain(number)


@epy.callback(Number, error=-1)
def number_of(gain: Gain) -> int:
    return gain.number


@epy.callback(CFUNCTYPE(c_int, epy.Consumed[Gain]), error=-1)
def free(gain: Gain) -> int:
    return gain.number


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    gc.collect()
    before = Gain.live
    yield
    gc.collect()
    assert Gain.live == before


def give_back(address: int | None) -> None:
    """What the host would do."""
    CFUNCTYPE(c_int, c_void_p)(free.address)(address)


# The class as the type of a result


def named_in_a_prototype() -> Any:
    return Make(make.address)


def named_on_a_function() -> Any:
    function = CFUNCTYPE(c_int, c_int)(make.address)
    function.restype = Gain
    return function


def named_on_a_function_of_a_library() -> Any:
    function = ctypes.CDLL(None).wmemset
    function.argtypes = [c_void_p, c_int, ctypes.c_ulong]
    function.restype = Gain
    return lambda number: function(make_address(number), 0, 0)


def named_by_a_header() -> Any:
    return HEADER.maker(make.address)


def named_by_a_headers_function() -> Any:
    return lambda number: HEADER.wmemset(make_address(number), 0, 0)


def make_address(number: int) -> Any:
    """The handle as C has it."""
    return CFUNCTYPE(c_void_p, c_int)(make.address)(number)


@pytest.mark.parametrize(
    "function",
    [
        named_in_a_prototype,
        named_on_a_function,
        named_on_a_function_of_a_library,
        named_by_a_header,
    ],
)
def test_a_result_is_the_object_and_its_reference_stays_with_the_host(function: Any) -> None:
    call = function()
    gains = [call(number) for number in range(5)]
    assert [gain.number for gain in gains] == [0, 1, 2, 3, 4]
    assert all(type(gain) is Gain for gain in gains)
    addresses = [epy.address(gain) for gain in gains]  # live handles
    assert [number_of(gain) for gain in gains] == [0, 1, 2, 3, 4]
    for address in addresses:
        give_back(address)


def test_null_is_none() -> None:
    function = CFUNCTYPE(Gain, c_void_p)(ctypes.cast(ctypes.CDLL(None).free, c_void_p).value)
    assert HEADER.wmemset(None, 0, 0) is None
    assert function.restype is Gain


def test_a_consumed_result_takes_the_reference() -> None:
    take = CFUNCTYPE(epy.Consumed[Gain], c_int)(make.address)
    gain = take(3)
    assert gain.number == 3
    with pytest.raises(epy.InvalidHandleError):
        epy.address(gain)


def test_a_result_that_is_no_handle_is_an_error() -> None:
    function = ctypes.CDLL(None).labs
    function.argtypes = [c_long]
    function.restype = Gain
    with pytest.raises(epy.InvalidHandleError):
        function(4096)


# Arguments


def plain_function() -> Any:
    function = ctypes.CDLL(None).labs
    function.argtypes = [Gain, c_int]
    return function


@pytest.mark.parametrize("function", [plain_function, lambda: HEADER.labs])
def test_a_refused_call_gives_no_reference(function: Any) -> None:
    for _ in range(10):
        with pytest.raises((ctypes.ArgumentError, epy.ArgumentError)):
            function()(Gain(), "text")


def test_a_refused_call_below_an_argument_takes_only_its_own_back() -> None:
    class Awkward:
        @classmethod
        def from_param(cls, value: Any) -> Any:
            with pytest.raises(ctypes.ArgumentError):
                plain_function()(Gain(), "text")
            return c_int(value)

    function = ctypes.CDLL(None).labs
    function.argtypes = [Gain, Awkward]
    function.restype = c_long
    gain = Gain()
    address = function(gain, 1)
    assert epy.address(gain) == address & (1 << 64) - 1
    give_back(address)


def test_an_argument_that_c_got_is_the_hosts() -> None:
    gain = Gain(4)
    address = HEADER.labs(gain, 0)
    assert epy.address(gain) == address
    give_back(address)


def test_a_tail_call_that_is_not_made_gives_no_reference() -> None:
    labs = HEADER.labs
    epy.tail_call(labs, Gain(), 1)
    with pytest.raises(epy.SignatureError):
        epy.tail_call(labs, Gain(), "text")


# Handles as ctypes objects


def test_a_handle_that_goes_nowhere_takes_its_reference_back() -> None:
    gain = Gain()
    handle = Handle(gain)
    assert handle.object is gain
    assert epy.address(gain)
    del handle
    with pytest.raises(epy.InvalidHandleError):
        epy.address(gain)


class Entry(Structure):
    _fields_ = [("one", Handle), ("more", Handle * 2)]


def test_one_of_two_takes_back_one() -> None:
    gain = Gain()
    first = Handle(gain)
    Handle(gain)
    assert first.object is gain
    assert epy.address(gain)


def stored_in_a_field(memory: Any, handle: Any) -> None:
    memory.one = handle


def stored_in_an_array(memory: Any, handle: Any) -> None:
    memory.more[1] = handle


def stored_through_a_pointer(memory: Any, handle: Any) -> None:
    cast(byref(memory), POINTER(Handle))[0] = handle


def stored_as_an_object(memory: Any, handle: Any) -> None:
    cast(byref(memory), POINTER(Gain))[0] = handle.object


def stored_as_a_number(memory: Any, handle: Any) -> None:
    cast(byref(memory), POINTER(c_void_p))[0] = handle.value


def stored_by_c(memory: Any, handle: Any) -> None:
    ctypes.memmove(byref(memory), byref(handle), ctypes.sizeof(handle))


def stored_in_a_headers_field(memory: Any, handle: Any) -> None:
    cast(byref(memory), POINTER(HEADER.entry)).one = handle.object


def stored_by_a_function(memory: Any, handle: Any) -> None:
    store = ctypes.CDLL(None).wmemset
    store.argtypes = None
    store.restype = c_void_p
    cast(byref(memory), POINTER(c_void_p))[0] = store(handle, 0, 0)


@pytest.mark.parametrize(
    "store",
    [
        stored_in_a_field,
        stored_in_an_array,
        stored_through_a_pointer,
        stored_as_an_object,
        stored_as_a_number,
        stored_by_c,
        stored_in_a_headers_field,
        stored_by_a_function,
    ],
)
def test_a_handle_that_left_stays_valid(store: Any) -> None:
    hosts = Entry()
    gain = Gain()
    # Python's view of the host's memory, and the handle, go before the host reads.
    store(Entry.from_address(ctypes.addressof(hosts)), Handle(gain))
    gc.collect()
    address = next(filter(None, (c_void_p * 3).from_buffer(hosts)))
    assert epy.address(gain) == address
    give_back(address)


def test_a_handle_that_a_callback_returns_as_a_pointer_stays_valid() -> None:
    gain = Gain()
    give = epy.callback(CFUNCTYPE(c_void_p, c_int), lambda how: ways[how]())
    ways = [
        lambda: Handle(gain),
        lambda: Handle(gain).value,
        lambda: pointer(Handle(gain))[0] and Handle(gain),
        lambda: b"until the next return",
    ]
    plain = CFUNCTYPE(c_void_p, c_int)(give.address)
    for how in range(3):
        address = plain(how)
        plain(3)
        gc.collect()
        assert epy.address(gain) == address
    for _ in range(4):
        give_back(address)
