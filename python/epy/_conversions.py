"""Python values -> what ctypes stores for a C type of a header: checked, and kept alive.

Loaded with the first value that a plugin converts: many only take and call functions.
"""

from __future__ import annotations

import ctypes
from _ctypes import Array, CFuncPtr, _Pointer, _SimpleCData

from ._errors import FieldError, UnknownFieldError
from ._fields import Fields, set_array_item
from ._types import CData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._classes import Classes
    from ._fields import Keeper

_ByRef: Any = type(ctypes.byref(ctypes.c_int()))
_BYTES = "cbB"  # the codes of types that a string's bytes fit
_INTEGERS = {
    code: (
        (0, (1 << 8 * ctypes.sizeof(ctype)) - 1)
        if code.isupper()
        else (-1 << (8 * ctypes.sizeof(ctype) - 1), (1 << (8 * ctypes.sizeof(ctype) - 1)) - 1)
    )
    for code, ctype in (
        *(("b", ctypes.c_byte), ("B", ctypes.c_ubyte), ("h", ctypes.c_short)),
        *(("H", ctypes.c_ushort), ("i", ctypes.c_int), ("I", ctypes.c_uint)),
        *(("l", ctypes.c_long), ("L", ctypes.c_ulong)),
        *(("q", ctypes.c_longlong), ("Q", ctypes.c_ulonglong)),
    )
}


class Misfit(Exception):
    """A value does not fit a C type; the text, if any, says where inside the value, and why."""


def convert(ctype: Any, value: Any, keeper: Keeper | None = None) -> Any:
    """`value` as something that ctypes stores in memory of type `ctype`. Raises Misfit.

    With a keeper, what the result needs is kept there, equal strings once.
    """
    converted: Any = value
    if isinstance(value, ctype):
        pass
    elif issubclass(ctype, _SimpleCData):
        if ctype.__base__ is _SimpleCData or hasattr(ctype, "_epy_members_"):
            converted = _simple(ctype, value, keeper)
        else:
            converted = ctype(value)  # a type of epy or of the script, which knows what it takes
    elif "_epy_code_" in vars(ctype):
        converted = ctype(value)
    elif issubclass(ctype, CFuncPtr):
        converted = function_pointer(ctype, value, keeper, ctype._epy_classes_, ctype._epy_kind_)
    elif issubclass(ctype, _Pointer):
        converted = _pointer(ctype, value, keeper)
    elif issubclass(ctype, Array):
        converted = _array(ctype, value, keeper)
    else:
        converted = _whole(ctype, value)
    if keeper is not None and getattr(converted, "_objects", None):
        keeper.objects.append(converted)
    return converted


def instance(ctype: Any, value: Any, keeper: Keeper | None = None) -> Any:
    """The same as an object of the type."""
    converted = convert(ctype, value, keeper)
    if isinstance(converted, ctype):
        return converted
    if issubclass(ctype, Array):
        return ctype.from_buffer_copy(converted)
    return ctype(converted)


def _simple(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    code = ctype._type_
    if code in _INTEGERS:
        number = value if isinstance(value, int) else _index(value)
        low, high = _INTEGERS[code]
        if not low <= number <= high:
            raise Misfit
        return number
    if code in "fdg":
        if isinstance(value, (str, bytes)):
            raise Misfit
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise Misfit from None
    if code in "zP":
        return _address(ctype, value, keeper)
    if code == "c" and isinstance(value, str) and len(value.encode()) == 1:
        return value.encode()
    if code == "?" and not isinstance(value, int):
        raise Misfit
    try:
        ctype(value)
    except (TypeError, ValueError, OverflowError):
        raise Misfit from None
    return value


def _index(value: Any) -> int:
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):
        raise Misfit from None


def _address(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    """For `char *` and `void *`."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return value if keeper is None else keeper.strings.setdefault(value, value)
    if value is None or (isinstance(value, int) and -(1 << 63) <= value < 1 << 64):
        return value
    if isinstance(value, (_Pointer, Array, CFuncPtr, ctypes.c_void_p, ctypes.c_char_p)):
        if ctype._type_ == "z" and not _leads_to_characters(value):
            raise Misfit
        return ctypes.cast(value, ctype)
    if ctype._type_ == "P":
        if isinstance(value, _ByRef):
            value = value._obj
        if isinstance(value, CData):
            structure: Any = value
            return ctypes.cast(ctypes.pointer(structure), ctype)
        address = getattr(value, "address", None)
        if isinstance(address, int):
            if keeper is not None:
                keeper.objects.append(value)
            return address
        if callable(value):
            raise Misfit("a callable has no prototype here: pass an epy.callback")
    raise Misfit


def _leads_to_characters(value: Any) -> bool:
    if isinstance(value, (_Pointer, Array)):
        return getattr(type(value)._type_, "_type_", "") in ("c", "b", "B")
    return not isinstance(value, CFuncPtr)


def argument(ctype: Any, value: Any) -> Any:
    """A value for a function pointer that a C function takes: it lives until the unload."""
    try:
        return convert(ctype, value, ctype._epy_classes_.keeper)
    except Misfit as misfit:
        from ._spelling import declare

        raise FieldError(
            f"`{declare(ctype, '')}` is expected: {value!r} does not fit ({misfit})"
        ) from None


def function_pointer(
    ctype: Any, value: Any, keeper: Keeper | None, classes: Classes, kind: Any
) -> Any:
    """A value for a function pointer, as an instance of `ctype`; `kind` is the function's type."""
    if value is None:
        return ctype()
    if isinstance(value, CFuncPtr):
        return ctypes.cast(value, ctype)
    address = value if isinstance(value, int) else getattr(value, "address", None)
    if isinstance(address, int):
        made = ctype(address & ((1 << 64) - 1))
        if keeper is not None and address is not value:
            keeper.objects.append(value)
        return made
    if isinstance(value, ctypes.c_void_p):
        return ctypes.cast(value, ctype)
    if not callable(value):
        raise Misfit
    if keeper is not None:
        made = keeper.callback(classes, kind, value)
    else:
        made = classes.callback(kind, value)
    return made if isinstance(made, ctype) else ctypes.cast(made, ctype)


def _pointer(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    target = ctype._type_
    if isinstance(value, _ByRef):
        value = value._obj
    if value is None:
        return None
    if isinstance(value, target):
        return ctype(value)
    if _are_alike(type(value), target):
        return ctypes.cast(ctypes.pointer(value), ctype)
    if isinstance(value, (list, tuple, dict)) and issubclass(target, Fields):
        target._epy_classes_.complete(target)
    if isinstance(value, (_Pointer, Array)):
        if _are_alike(type(value)._type_, target):
            return ctypes.cast(value, ctype)
    elif isinstance(value, ctypes.c_void_p):
        return ctypes.cast(value, ctype)
    elif isinstance(value, (list, tuple)):
        return ctypes.cast(_elements(target * len(value), value, keeper), ctype)
    elif isinstance(value, dict):
        return ctype(_whole(target, value))
    elif isinstance(value, (str, bytes)):
        if getattr(target, "_type_", "") in _BYTES:
            data = (value.encode() if isinstance(value, str) else value) + b"\0"
            return ctypes.cast((target * len(data)).from_buffer_copy(data), ctype)
    elif not isinstance(value, CData):
        return ctypes.cast(_on_buffer(target, value), ctype)
    raise Misfit


def _are_alike(one: Any, other: Any) -> bool:
    """Whether types are the same to C: arrays of headers are classes of their own."""
    if issubclass(one, Array) and issubclass(other, Array):
        return one._length_ == other._length_ and _are_alike(one._type_, other._type_)
    return issubclass(one, other)


def _on_buffer(target: Any, value: Any) -> Any:
    """An array on the memory of a bytearray, array.array, numpy array."""
    try:
        view = memoryview(value)
        if view.itemsize == ctypes.sizeof(target) and _holds(view.format, target):
            return (target * (view.nbytes // view.itemsize)).from_buffer(value)
    except (TypeError, ValueError, BufferError):
        pass
    raise Misfit


def _holds(format: str, target: Any) -> bool:
    """Whether items of a buffer's format are integers where the type is one, else real numbers."""
    code = getattr(target, "_type_", None)
    if not isinstance(code, str):
        return format[-1] not in "fdg"
    return (format[-1] in "fdg") == (code in "fdg")


def _array(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    element, length = ctype._type_, ctype._length_
    if isinstance(value, (str, bytes)) and getattr(element, "_type_", "") in _BYTES:
        data = value.encode() if isinstance(value, str) else value
        if len(data) > length:
            raise Misfit(f"it has {len(data)} bytes")
        data = data.ljust(length, b"\0")
        return data if element._type_ == "c" else ctype.from_buffer_copy(data)  # as ctypes has it
    if isinstance(value, str) and getattr(element, "_type_", "") == "u" and len(value) <= length:
        return ctype(*value)
    if isinstance(value, (list, tuple, Array)):
        if len(value) > length:
            raise Misfit(f"it has {len(value)} elements")
        return _elements(ctype, value, keeper)
    raise Misfit


def _elements(ctype: Any, values: Any, keeper: Keeper | None) -> Any:
    made = ctype()
    for index, value in enumerate(values):
        try:
            set_array_item(made, index, convert(ctype._type_, value, keeper))
        except Misfit as misfit:
            raise Misfit(f"element {index} is {value!r}; {misfit}".rstrip("; ")) from None
    return made


def _whole(ctype: Any, value: Any) -> Any:
    """A struct or union from a tuple or dict of its fields."""
    if isinstance(value, tuple):
        return ctype(*value)
    if isinstance(value, dict):
        return ctype(**value)
    raise Misfit


def unknown_field(cls: Any, name: str) -> UnknownFieldError:
    from difflib import get_close_matches

    near = get_close_matches(name, cls._epy_types_, 1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(cls._epy_types_) or 'none'}"
    return UnknownFieldError(f"{cls.__name__} has no field {name}: {hint}")


def field_error(cls: Any, name: str, ctype: Any, value: Any, reason: Exception) -> FieldError:
    from ._spelling import declare

    shown = repr(value)
    if len(shown) > 200:
        shown = shown[:200] + "..."
    why = f" ({reason})" if str(reason) else ""
    return FieldError(
        f"{cls.__name__}.{name} is `{declare(ctype, name)}`: {shown} does not fit{why}"
    )


def item(owner: Any, index: int, value: Any, keeper: Keeper | None) -> Any:
    """A value for an item of a pointer or an array."""
    try:
        return convert(owner._type_, value, keeper)
    except Misfit as misfit:
        from ._spelling import declare

        raise FieldError(
            f"[{index}] of `{declare(type(owner), '')}`: {value!r} does not fit {misfit}".rstrip()
        ) from None
