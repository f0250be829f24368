"""Sizes and alignments of the types of a header, and what its expressions ask of types."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from .._types import simple_types
from .expressions import POINTER, Integer, Unsupported
from .layout import Layout
from .types import OPAQUE, Type, is_a


class Sizes:
    """Raises Unsupported for what has none."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names  # those of `_c.declarations.Definitions`
        self.layouts: dict[str, Layout | str] = {}  # by "struct KEY"; or why there is none

    def resolved(self, found: Type) -> Any:
        """A type behind its typedefs."""
        while isinstance(found, tuple) and found[0] in ("t", "align"):
            found = self.names[found[1]][1] if found[0] == "t" else found[1]
        return found or ""

    def measure(self, found: Type) -> tuple[int, int, int]:
        """Size and alignment, and the alignment of the ctypes type that stands for it."""
        if found is None:
            return 1, 1, 1
        if isinstance(found, str):
            ctype: Any = simple_types[found]
            return ctypes.sizeof(ctype), ctypes.alignment(ctype), ctypes.alignment(ctype)
        kind = found[0]
        if kind in "*(":
            return 8, 8, 8
        if kind == "[":
            size, align, ctypes_align = self.measure(found[1])
            if size * found[2] > sys.maxsize:
                raise Unsupported("is larger than any memory")
            return size * found[2], align, ctypes_align
        if kind == "t":
            return self.measure(self.names[found[1]][1])
        if kind == "align":
            size, _, ctypes_align = self.measure(found[1])
            return size, found[2], ctypes_align
        if kind == "enum":
            entry = self.names.get(f"enum {found[1]}")
            return self.measure(entry[1] if entry else "c_uint")
        if kind == "?":
            if not found[2]:
                raise Unsupported(found[1])
            return found[2], found[3], 1
        layout = self.layouts.get(f"{kind} {found[1]}", OPAQUE[1])
        if isinstance(layout, str):
            raise Unsupported(f"contains {kind} {found[1].strip('{}')}, which {layout}")
        return layout.size, layout.align, layout.ctypes_align

    def offset(self, found: Type, member: str) -> int:
        """Of a plain member of a struct or union."""
        actual = self.resolved(found)
        if isinstance(actual, tuple):
            layout = self.layouts.get(f"{actual[0]} {actual[1]}")
            if isinstance(layout, Layout) and member in layout.offsets:
                return layout.offsets[member]
        raise Unsupported("takes the offset of what is no plain member")

    def number(self, found: Type) -> Any:
        """What `Expressions` knows of the type that a cast names."""
        found = self.resolved(found)
        if is_a(found, "enum"):
            found = (
                self.names[f"enum {found[1]}"][1] if f"enum {found[1]}" in self.names else "c_uint"
            )
        if isinstance(found, tuple):
            if found[0] == "*":
                return POINTER
            raise Unsupported("casts to what is no number")
        if found in ("c_float", "c_double", "c_longdouble"):
            return float
        if not found:
            raise Unsupported("casts to void")
        if found == "c_bool":
            return bool
        ctype: Any = simple_types[found]
        return Integer(8 * ctypes.sizeof(ctype), self.is_signed(found) or found == "c_char")

    def is_signed(self, actual: Any) -> bool:
        if is_a(actual, "enum"):
            actual = self.names[f"enum {actual[1]}"][1]
        ctype: Any = simple_types[actual] if isinstance(actual, str) and actual else None
        return getattr(ctype, "_type_", "?") in "bhilq"
