"""What few headers have: bit-fields, flexible arrays, anonymous members."""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._core import Classes


_NUMBERS = {"c_char": "c_byte", "c_wchar": "c_int"}  # as bit-fields, characters are


class FlexibleArray:
    """The last member of a struct, an array without a size: reads as a pointer to its start."""

    def __init__(self, native: Any, element: Any, classes: Classes) -> None:
        self.native = native
        self.element = element
        self.classes = classes
        self.offset = native.offset
        self.size = 0

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return ctypes.cast(self.native.__get__(instance), self.classes.make(("*", self.element)))

    def __set__(self, instance: Any, value: Any) -> None:
        raise ValueError("assign its elements one by one")


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
            raise ValueError(f"it has {self.width} bits")
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


def add(
    classes: Classes,
    made: Any,
    anonymous: tuple[str, ...],
    bits: tuple[Any, ...],
    types: dict[str, Any],
    functions: dict[str, Any],
    enums: dict[str, str],
    flexible: list[str],
) -> None:
    """Give them to a struct that has its other fields, and tell of their types: for the core."""
    native = vars(made)
    for name in flexible:
        _, element, _ = classes.resolved(types[name])
        setattr(made, name, FlexibleArray(native[name], element, classes))
    for name, kind, offset, shift, width, signed in bits:
        setattr(made, name, BitField(offset, shift, width, signed))
        actual = classes.resolved(kind)
        if isinstance(actual, tuple) and actual[0] == "enum":
            _, key = actual
            definition = classes.find(f"enum {key}")
            if definition is not None:
                _, integer, _ = definition
                enums[name], actual = key, integer
        types[name] = _NUMBERS.get(actual, actual) if isinstance(actual, str) else "c_longlong"
    if enums:
        from .enums import EnumField

        for name, key in enums.items():
            setattr(made, name, EnumField(native[name], classes.members(key)))
    for member in anonymous:
        inner = dict(made._fields_)[member]
        for name, kind in inner._epy_types_.items():
            if name not in types:
                types[name] = kind
                if name in inner._epy_functions_:
                    functions[name] = inner._epy_functions_[name]
                setattr(made, name, Through(native[member], getattr(inner, name)))
