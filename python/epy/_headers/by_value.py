"""Structs and unions that ctypes passes otherwise than C, by value to functions of the host.

Its libffi takes their fields one behind the other, and not where they lie. Callbacks are the
core's, which has them as C does.
"""

from __future__ import annotations

import ctypes

from .._errors import SignatureError
from .._types import scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_IN_REGISTERS = 16  # bytes: what is larger is in memory for both
_EIGHTBYTE = 8
_REAL = "fdFD"
_PLAIN = {ord("s"): " ", ord("S"): "."}  # how the core marks functions, then when they are checked


def check_by_value(function: Any) -> None:
    """Before the first call of a function type with such a parameter or result."""
    cls = type(function)
    for ctype in (cls._restype_, *cls._argtypes_):
        if hasattr(ctype, "_fields_") and (reason := _reason(ctype)):
            name = getattr(function, "__name__", "the function")
            raise SignatureError(
                f"{name} has a {ctype.__name__} by value, which {reason}: Python passes it "
                "otherwise than C; call a function that takes a pointer to it"
            )
    cls._epy_checks_ = _PLAIN[cls._epy_checks_[0]].encode() + cls._epy_checks_[1:]


def _reason(ctype: Any) -> str:
    if obstacle := getattr(ctype, "_epy_obstacle_", ""):
        return str(obstacle)
    if ctypes.sizeof(ctype) > _IN_REGISTERS:
        return ""
    for code, offset in scalars(ctype):
        if code == "g":
            return "holds a long double"
        if offset % _alignment(code):
            return "is packed"
    if not all(_is_simple(union, offset) for union, offset in _unions(ctype, 0)):
        return "holds a union of different types"
    return ""


def _alignment(code: str) -> int:
    """Of a scalar, by its code."""
    size = {"F": 4, "D": 8}.get(code)
    return size or ctypes.alignment(type("scalar", (ctypes._SimpleCData,), {"_type_": code}))


def _unions(ctype: Any, start: int) -> Iterator[tuple[Any, int]]:
    """The unions in a type, with their offsets."""
    if issubclass(ctype, ctypes.Array):
        for index in range(ctype._length_):
            yield from _unions(ctype._type_, start + index * ctypes.sizeof(ctype._type_))
    elif issubclass(ctype, ctypes.Union):
        yield ctype, start
    elif issubclass(ctype, ctypes.Structure):
        for name, field_type, *_ in ctype._fields_:
            yield from _unions(field_type, start + ctype.__dict__[name].offset)


def _is_simple(union: Any, start: int) -> bool:
    """Whether its first fields, which fill it, say in which register it is."""
    last = start + ctypes.sizeof(union) - 1
    if start // _EIGHTBYTE != last // _EIGHTBYTE:
        return False
    codes = [code for code, _ in scalars(union)]
    if any(issubclass(field[1], ctypes.Array) for field in union._fields_):  # pointers to ctypes
        return start % _EIGHTBYTE == 0 and not any(code in _REAL for code in codes)
    return codes[0] not in _REAL or all(code in _REAL for code in codes)
