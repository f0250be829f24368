"""What few headers have: variadic functions, bit-fields, flexible arrays, anonymous members."""

from __future__ import annotations

import ctypes
from _ctypes import FUNCFLAG_CDECL

from ._core import Function, Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._classes import Classes


class VariadicFunction(Function):
    """A C function that takes more arguments than its prototype names."""

    _flags_ = FUNCFLAG_CDECL
    _argtypes_: tuple[Any, ...]

    def __call__(self, *arguments: Any) -> Any:
        fixed = len(self._argtypes_)
        more = map(_variadic, arguments[fixed:])
        return super().__call__(*arguments[:fixed], *more)


def _variadic(value: Any) -> Any:
    """Integers take all 64 bits, so that the host may read any of their widths."""
    if isinstance(value, int):
        return ctypes.c_longlong(value) if value < 1 << 63 else ctypes.c_ulonglong(value)
    if isinstance(value, float):
        return ctypes.c_double(value)
    return value.encode() if isinstance(value, str) else value


class FlexibleArray:
    """The last member of a struct, an array without a size: reads as a pointer to its start."""

    def __init__(self, native: Any, kind: Any, classes: Classes) -> None:
        self.native = native
        self.kind = kind
        self.classes = classes
        self.offset = native.offset
        self.size = 0

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return ctypes.cast(self.native.__get__(instance), self.classes.make(("*", self.kind[1])))

    def __set__(self, instance: Any, value: Any) -> None:
        raise Misfit("assign its elements one by one")


class BitField:
    """Some bits of a struct, where the C compiler has them."""

    def __init__(self, offset: int, shift: int, width: int, signed: bool) -> None:
        self.offset = offset
        self.shift = shift
        self.width = width
        self.signed = signed
        self.memory: Any = ctypes.c_ubyte * ((shift + width + 7) // 8)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        whole = int.from_bytes(self.memory.from_buffer(instance, self.offset), "little")
        value = whole >> self.shift & ((1 << self.width) - 1)
        return value - (1 << self.width) if self.signed and value >> (self.width - 1) else value

    def __set__(self, instance: Any, value: int) -> None:
        low = -(1 << (self.width - 1)) if self.signed else 0
        if not low <= value < low + (1 << self.width):
            raise Misfit(f"it has {self.width} bits")
        memory = self.memory.from_buffer(instance, self.offset)
        mask = ((1 << self.width) - 1) << self.shift
        whole = int.from_bytes(memory, "little") & ~mask | value << self.shift & mask
        memory[:] = whole.to_bytes(len(memory), "little")


class Through:
    """A field of an anonymous member, as a field of the whole."""

    def __init__(self, member: Any, inner: Any) -> None:
        self.member = member
        self.inner = inner
        self.offset = member.offset + inner.offset

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self.inner.__get__(self.member.__get__(instance))

    def __set__(self, instance: Any, value: Any) -> None:
        self.inner.__set__(self.member.__get__(instance), value)
