"""ctypes fields that lie where Clang has the members of a struct or union."""

from __future__ import annotations

from typing import NamedTuple

from .terms import Type


class Member(NamedTuple):
    """A member that is no bit-field."""

    name: str
    type: Type
    offset: int
    size: int
    ctypes_align: int  # of the ctypes type that stands for it


class Layout(NamedTuple):
    """How ctypes gets to the members of a whole."""

    ctypes_align: int
    packed: bool  # ctypes needs `_pack_ = 1`
    fields: tuple[tuple[str, Type], ...]  # with storage and padding, which have no name


def lay_out(members: list[Member], size: int, align: int, union: bool) -> Layout:
    """Fields that ctypes' own rules put where they belong: gaps and bits become storage."""
    natural = max([1, *(member.ctypes_align for member in members)])
    packed = size % natural != 0 or any(it.offset % it.ctypes_align for it in members)
    unit = 1 if packed else min(align, 8)
    fields: list[tuple[str, Type]] = []
    position = 0
    for member in members:
        if member.offset != _up(position, 1 if packed else member.ctypes_align):
            fields += _storage(position, member.offset, unit)
        fields.append((member.name, member.type))
        if not union:
            position = member.offset + member.size
    if union and (size > max([0, *(member.size for member in members)]) or not members):
        fields.append(("", ("[", _UNITS[unit], size // unit)))
        natural = max(natural, unit)
    elif not union and size != _up(position, 1 if packed else natural):
        fields += _storage(position, size, unit)
    natural = max([natural, *(_UNIT_SIZES.get(kind, 1) for name, kind in fields if not name)])
    return Layout(1 if packed else natural, packed, tuple(fields))


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
