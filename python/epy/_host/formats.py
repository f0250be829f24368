"""What memoryview and numpy call the items of a view that are structs: PEP 3118's formats.

ctypes has such formats too, but leaves out the padding behind the last field, and fails at packed
structs.
"""

from __future__ import annotations

from _ctypes import Array, CFuncPtr, Structure, _Pointer, _SimpleCData, sizeof

from .._errors import ViewError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def describe(ctype: Any) -> tuple[str, int]:
    """The format and the size of an item of a struct, union or function type."""
    if issubclass(ctype, Array):
        element = ctype._type_.__name__
        raise ViewError(
            f"items of a view cannot be arrays: view the {element} in them, `count` times as many"
        )
    return "L" if issubclass(ctype, CFuncPtr) else _format(ctype), sizeof(ctype)


def _format(ctype: Any) -> str:
    """In the machine's sizes without alignment ("^"): all padding is written out."""
    if issubclass(ctype, (_Pointer, CFuncPtr)):
        return "^L"
    if issubclass(ctype, _SimpleCData):
        if getattr(ctype, "__ctype_le__", ctype) is not ctype:
            return str(memoryview(ctype()).format)  # of the other byte order: ">i"
        code: str = ctype._type_
        return "^" + {"c": "B", "u": "i", "z": "L", "Z": "L", "P": "L", "O": "L"}.get(code, code)
    if issubclass(ctype, Array):
        lengths = []
        while issubclass(ctype, Array):
            lengths.append(str(ctype._length_))
            ctype = ctype._type_
        return f"({','.join(lengths)}){_format(ctype)}"
    fields = _fields(ctype) if issubclass(ctype, Structure) else None
    if fields is None:
        return f"{sizeof(ctype)}x"  # a union, or with bit fields: opaque
    text, end = "", 0
    for name, field_type, offset in fields:
        text += f"{_padding(offset - end)}{_format(field_type)}:{name}:"
        end = offset + sizeof(field_type)
    return f"T{{{text}{_padding(sizeof(ctype) - end)}}}"


def _fields(ctype: Any) -> list[tuple[str, Any, int]] | None:
    """Name, type and offset, of the base classes first; None if there are bit fields."""
    found = []
    for cls in reversed(ctype.__mro__):
        for name, field_type, *bits in vars(cls).get("_fields_", ()):
            if bits:
                return None
            found.append((name, field_type, getattr(ctype, name).offset))
    return found


def _padding(size: int) -> str:
    return f"{size}x" if size else ""
