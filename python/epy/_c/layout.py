"""Where the C compiler puts the members of a struct or union, and ctypes fields that lie there.

System V x86-64 psABI 3.1.2 with GCC's packed and aligned attributes, `#pragma pack` and _Alignas
(GCC manual, "Type Attributes", "Structure-Layout Pragmas").
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from .expressions import Unsupported

Type = Any
"""A type as plain data, see `_c.declarations`."""


class Member(NamedTuple):
    """A member as it is declared."""

    name: str  # "" for an unnamed bit-field
    type: Type
    size: int
    align: int  # of its type
    ctypes_align: int  # of the ctypes type that will stand for it
    signed: bool = False  # of a bit-field's type
    width: int | None = None  # of a bit-field
    aligned: int = 0  # by an attribute of the member
    packed: bool = False


class Rules(NamedTuple):
    """What the declaration of the whole says."""

    union: bool = False
    packed: bool = False
    pack: int = 0  # of `#pragma pack`
    aligned: int = 0


class Bits(NamedTuple):
    """A bit-field: `width` bits from bit `shift` of the byte at `offset`."""

    name: str
    type: Type
    offset: int
    shift: int
    width: int
    signed: bool


class Layout(NamedTuple):
    """The layout of a whole, and how ctypes gets to it."""

    size: int
    align: int
    ctypes_align: int
    packed: bool  # ctypes needs `_pack_ = 1`
    fields: list[tuple[str, Type]]  # with storage and padding, which have no name
    offsets: dict[str, int]  # of members that are no bit-fields
    bits: list[Bits]


def lay_out(members: list[Member], rules: Rules) -> Layout:
    """The layout of a struct or union."""
    position = 0  # in bits
    end = 0
    align = 1
    placed: list[tuple[int, Member]] = []
    bits: list[Bits] = []
    for member in members:
        if rules.union:
            position = 0
        packed = rules.packed or member.packed
        natural = 1 if packed else member.align
        if rules.pack:
            natural = min(natural, rules.pack)
        natural = max(natural, member.aligned)
        if member.width is None:
            position = _up(position, 8 * natural)
            placed.append((position // 8, member))
            position += 8 * member.size
            align = max(align, natural)
        elif member.width == 0:
            position = _up(position, 8 * member.align)
        else:
            if member.aligned:
                position = _up(position, 8 * member.aligned)
            unit = 8 * member.align
            straddles = position // unit != (position + member.width - 1) // unit
            if straddles and not packed and not rules.pack:
                position = _up(position, unit)
            if member.name:
                place = position // 8, position % 8
                bits.append(Bits(member.name, member.type, *place, member.width, member.signed))
                align = max(align, natural)
            position += member.width
        end = max(end, position)
    align = max(align, rules.aligned)
    size = _up(_up(end, 8) // 8, align)
    if size > sys.maxsize:
        raise Unsupported("is larger than any memory")
    return _for_ctypes(placed, bits, size, align, rules.union)


def _for_ctypes(
    placed: list[tuple[int, Member]], bits: list[Bits], size: int, align: int, union: bool
) -> Layout:
    """Fields that ctypes' own rules put where they belong: gaps and bits become storage."""
    natural = max([1, *(member.ctypes_align for _, member in placed)])
    packed = size % natural != 0 or any(offset % member.ctypes_align for offset, member in placed)
    unit = 1 if packed else min(align, 8)
    fields: list[tuple[str, Type]] = []
    position = 0
    for offset, member in placed:
        if offset != _up(position, 1 if packed else member.ctypes_align):
            fields += _storage(position, offset, unit)
        fields.append((member.name, member.type))
        if not union:
            position = offset + member.size
    if union and (size > max([0, *(member.size for _, member in placed)]) or not placed):
        fields.append(("", ("[", _UNITS[unit], size // unit)))
        natural = max(natural, unit)
    elif not union and size != _up(position, 1 if packed else natural):
        fields += _storage(position, size, unit)
    natural = max([natural, *(_UNIT_SIZES.get(kind, 1) for name, kind in fields if not name)])
    offsets = {member.name: offset for offset, member in placed}
    return Layout(size, align, 1 if packed else natural, packed, fields, offsets, bits)


_UNITS = {8: "c_uint64", 4: "c_uint32", 2: "c_uint16", 1: "c_uint8"}
_UNIT_SIZES: dict[Type, int] = {name: size for size, name in _UNITS.items()}


def _storage(start: int, end: int, unit: int) -> list[tuple[str, Type]]:
    """Naturally aligned integers from one offset to another, none larger than `unit`."""
    found: list[tuple[str, Type]] = []
    while start < end:
        size = next(
            size for size in _UNITS if size <= unit and start % size == 0 and start + size <= end
        )
        found.append(("", _UNITS[size]))
        start += size
    return found


def _up(value: int, unit: int) -> int:
    return (value + unit - 1) // unit * unit
