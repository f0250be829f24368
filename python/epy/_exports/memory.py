"""The memory that a ctypes value reaches: blocks of bytes, and the pointers between them."""

from __future__ import annotations

import ctypes
import sys
from _bisect import bisect_right, insort_right  # without a module more
from _ctypes import Array, CFuncPtr, Structure, Union, _Pointer, _SimpleCData

from .. import _core
from .._errors import StampError
from .._types import CData, native_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any, Literal

    Target = tuple[Literal["function"], int] | tuple[Literal["block"], int, int]

_WORD = ctypes.sizeof(ctypes.c_void_p)
_FIRST_PAGE = 4096  # no object lies here or in the last page: such a pointer is a constant


class Block:
    """A contiguous piece of memory: an exported value, or something that one points to."""

    __slots__ = ("address", "align", "data", "owner", "relocations", "size")

    def __init__(self, owner: object, address: int, size: int, align: int) -> None:
        self.owner = owner  # keeps the memory alive
        self.address = address
        self.size = size
        self.align = align
        self.data = b""  # zero where a relocation goes
        self.relocations: list[tuple[int, Target]] = []

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + max(self.size, 1)


class _Map:
    """Blocks by address; of those with one address the largest."""

    def __init__(self) -> None:
        self.blocks: dict[int, Block] = {}
        self.addresses: list[int] = []

    def add(self, block: Block) -> None:
        other = self.blocks.get(block.address)
        if other is None:
            insort_right(self.addresses, block.address)
        if other is None or other.size < block.size:
            self.blocks[block.address] = block

    def find(self, address: int) -> Block | None:
        position = bisect_right(self.addresses, address)
        if position == 0:
            return None
        block = self.blocks[self.addresses[position - 1]]
        return block if block.holds(address) else None


def collect(
    roots: Iterable[Any],
    functions: Collection[int] = (),
    *,
    skip: int = 0,
    kept: Iterable[Any] | None = None,
) -> list[Block]:
    """Every block that the ctypes objects `roots` reach; block i is root i.

    A target is ("function", address) or ("block", index, offset). `functions` are addresses that
    mean a function wherever they stand; a function pointer may hold any other as well. The walk is
    in the order of fields, so that one script gives one result. The first `skip` roots are known
    but not followed. `kept` are further objects that keep memory alive: with them a `void *` may be
    a mere number. Raises StampError for a pointer to memory that the value does not keep alive.
    """
    return _Walk(roots, functions, skip, kept).blocks


class _Walk:
    def __init__(
        self,
        roots: Iterable[Any],
        functions: Collection[int],
        skip: int,
        kept: Iterable[Any] | None,
    ) -> None:
        self.takes_numbers = kept is not None
        self.functions = set(functions)
        self.blocks: list[Block] = []
        self.indices: dict[int, int] = {}  # of blocks, by address
        self.taken = _Map()  # the same blocks
        self.reachable = _Map()  # what some block keeps alive
        self.found: dict[int, Target] = {}  # the pointers of the block in hand, by offset
        for root in roots:
            self.add(_block_of(root))
        self.keep([*(block.owner for block in self.blocks), *(kept or ())])
        index = skip
        while index < len(self.blocks):
            block = self.blocks[index]
            block.data = ctypes.string_at(block.address, block.size)
            if isinstance(block.owner, CData):
                self.found = {}
                self.walk(block, type(block.owner), 0, type(block.owner).__name__, False)
                block.relocations = list(self.found.items())
                block.data = _without(block.data, self.found)
            index += 1

    def add(self, block: Block) -> None:
        self.indices.setdefault(block.address, len(self.blocks))
        self.taken.add(block)
        self.blocks.append(block)

    def keep(self, things: list[Any]) -> None:
        """Note all memory that ctypes objects, and what they hold, keep alive."""
        seen: dict[int, object] = {}
        while things:
            thing = things.pop()
            if id(thing) in seen:
                continue
            seen[id(thing)] = thing
            block = None
            if isinstance(thing, dict):
                things += thing.values()
            elif isinstance(thing, (tuple, list)):
                things += thing
            elif isinstance(thing, _core.Callback):
                self.functions.add(thing.address)
            elif isinstance(thing, CData):
                if isinstance(thing, CFuncPtr):
                    self.functions.add(native_address(thing))
                container: Any = thing
                while container._b_base_ is not None:
                    container = container._b_base_
                block = _block_of(container)
                things.append(container._objects)
            elif type(thing).__name__ == "HeldPointer":
                things.append(thing.owner)
                if isinstance(thing.owner, memoryview):  # of an array.array, a bytearray
                    view = thing.owner
                    block = Block(thing, thing.address, view.nbytes, view.itemsize)
            elif isinstance(thing, memoryview):
                things.append(thing.obj)
            elif isinstance(thing, bytes):
                block = Block(thing, _address_of_bytes(thing), len(thing) + 1, 1)
            elif type(thing).__name__ == "PyCapsule":  # how ctypes keeps a wide string
                block = _wide_string(thing)
            if block is not None:
                self.reachable.add(block)

    def walk(self, block: Block, ctype: Any, offset: int, path: str, guess: bool) -> None:
        """Find the pointers in the part of a block that has type `ctype`.

        `guess`: inside a union, where a pointer may be another member's bytes.
        """
        if issubclass(ctype, (Structure, Union)):
            guess = guess or issubclass(ctype, Union)
            for name, member, place in _fields(ctype):
                self.walk(block, member, offset + place, f"{path}.{name}", guess)
        elif issubclass(ctype, Array):
            if _has_pointer(ctype._type_):
                for index in range(ctype._length_):
                    place = offset + index * ctypes.sizeof(ctype._type_)
                    self.walk(block, ctype._type_, place, f"{path}[{index}]", guess)
        elif issubclass(ctype, _SimpleCData) and ctype._type_ == "O":
            raise StampError(f"{path}: a Python object cannot be exported as data")
        elif _has_pointer(ctype):
            address = int.from_bytes(block.data[offset : offset + _WORD], sys.byteorder)
            if not _FIRST_PAGE <= address < (1 << 8 * _WORD) - _FIRST_PAGE:
                return
            target = self.target(address, issubclass(ctype, CFuncPtr) and not guess)
            if target is not None:
                self.found.setdefault(offset, target)
            elif not guess and not (self.takes_numbers and _is_number(ctype)):
                raise StampError(
                    f"{path} points to memory that the value does not keep alive: "
                    "assign the ctypes object or bytes itself, not an address"
                )

    def target(self, address: int, is_function: bool) -> Target | None:
        if is_function or address in self.functions:
            return "function", address
        block = self.taken.find(address)
        if block is None:
            block = self.reachable.find(address)
            if block is None:
                return None
            self.add(block)
        return "block", self.indices[block.address], address - block.address


def _block_of(value: Any) -> Block:
    return Block(
        value, ctypes.addressof(value), ctypes.sizeof(value), ctypes.alignment(type(value))
    )


def _without(data: bytes, pointers: Iterable[int]) -> bytes:
    cleared = bytearray(data)
    for offset in pointers:
        cleared[offset : offset + _WORD] = bytes(_WORD)
    return bytes(cleared)


def _fields(ctype: Any) -> Iterator[tuple[str, Any, int]]:
    """Name, type and offset of each field, inherited ones first; no bit fields."""
    for base in reversed(ctype.__mro__):
        for field in vars(base).get("_fields_", ()):
            if len(field) == 2:
                yield field[0], field[1], vars(base)[field[0]].offset


def _has_pointer(ctype: Any) -> bool:
    if issubclass(ctype, (Structure, Union)):
        return any(_has_pointer(member) for _, member, _ in _fields(ctype))
    if issubclass(ctype, Array):
        return _has_pointer(ctype._type_)
    return issubclass(ctype, (_Pointer, CFuncPtr)) or (
        issubclass(ctype, _SimpleCData) and ctype._type_ in "PzZO"
    )


def _is_number(ctype: Any) -> bool:
    """Whether a script may give an address of this type as an int."""
    return issubclass(ctype, _SimpleCData) and bool(ctype._type_ == "P")


def _address_of_bytes(value: bytes) -> int:
    return ctypes.c_void_p.from_buffer(ctypes.c_char_p(value)).value or 0


def _wide_string(capsule: object) -> Block:
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
        ("PyCapsule_GetName", ctypes.pythonapi)
    )
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    address: int = get_pointer(capsule, get_name(capsule))
    size = (len(ctypes.wstring_at(address)) + 1) * ctypes.sizeof(ctypes.c_wchar)
    return Block(capsule, address, size, ctypes.alignment(ctypes.c_wchar))
