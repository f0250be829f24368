"""Addresses as numbers, whatever kind of pointer holds them."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr, _Pointer, _SimpleCData

from .. import _core
from .._errors import InvalidHandleError, UnknownFieldError, wrong_argument
from .._types import CData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CArgument = type(ctypes.byref(ctypes.c_int()))


def address(pointer: Any, field: str = "") -> int:
    """The address that a pointer holds, as C sees it: an int from 0 to 2**64 - 1.

    - None is 0, an int itself (modulo 2**64: C's `(void *)-1` is one);
    - a ctypes pointer, `c_void_p`, `c_char_p`, `c_wchar_p`, `byref(...)`: where it points to, which
      is 0 for NULL;
    - a ctypes function, what `epy.export` or `epy.callback` returned, or anything with an int
      `.address`: what C calls;
    - a ctypes structure, union, array or number: where it lies;
    - an object of an `epy.Object` class: its handle. InvalidHandleError if the host has none.

    With `field`, of a struct or a pointer to one: where the pointer in that field leads to, also a
    `char *`, which Python sees as the bytes up to the first NUL, `epy.view(epy.address(value,
    "text"), value.length)`; of a field that is no pointer, where it lies. UnknownFieldError for a
    bit-field and for what the struct does not have.

    The memory is not kept alive. TypeError for everything else; bytes and str are copies of what
    the host has, so they have no address that would mean anything to it.
    """
    if field:
        return _of_field(pointer, field)
    if pointer is None:
        return 0
    if isinstance(pointer, int):
        return pointer % (1 << 64)
    if isinstance(pointer, _CArgument):
        return ctypes.cast(pointer, ctypes.c_void_p).value or 0
    if hasattr(type(pointer), "_object_class_") and isinstance(pointer, _SimpleCData):
        return pointer.value or 0  # of a handle, which may go anywhere then
    if isinstance(pointer, (_Pointer, CFuncPtr)) or _is_simple_pointer(pointer):
        # Not by a cast, which would make a cycle of the pointer.
        return ctypes.c_void_p.from_buffer(pointer).value or 0
    if isinstance(pointer, CData):
        memory: Any = pointer
        return ctypes.addressof(memory)
    if hasattr(type(pointer), "_handle_type_"):
        handle = _core.find_handle(pointer)
        if not handle:
            raise InvalidHandleError(
                f"the host has no handle of {pointer!r}: it gets one as a result or a field"
            )
        return handle
    found = getattr(pointer, "address", None)
    if isinstance(found, int):
        return found
    if isinstance(pointer, (bytes, str)):
        raise TypeError(
            "a text is a copy of the host's: declare the parameter as c_void_p or POINTER(c_char)"
        )
    raise TypeError(
        f"{type(pointer).__name__} is no pointer: give a ctypes object, a function, a handle's "
        "object, an int or None"
    )


def _of_field(owner: Any, name: str) -> int:
    if not isinstance(name, str):
        raise wrong_argument("address", "field", name, "the name of a field")
    if isinstance(owner, _Pointer) and not owner:
        raise ValueError(f"epy.address(pointer, {name!r}): the pointer is NULL")
    struct = owner.contents if isinstance(owner, _Pointer) else owner
    found = _place(type(struct), name)
    if found is None:
        raise UnknownFieldError(f"{type(struct).__name__} has no field {name} with an address")
    place = ctypes.addressof(struct) + found[0]
    return ctypes.c_void_p.from_address(place).value or 0 if found[1] else place


def _place(cls: type, name: str) -> tuple[int, bool] | None:
    """The offset of a field, and whether it is a pointer."""
    for one in cls.__mro__:
        unnamed = vars(one).get("_anonymous_", ())
        for field, kind, *bits in vars(one).get("_fields_", ()):
            offset = vars(one)[field].offset
            if field == name and not bits:
                is_simple = issubclass(kind, _SimpleCData) and kind._type_ in "PzZ"
                return offset, is_simple or issubclass(kind, (_Pointer, CFuncPtr))
            if (field in unnamed or field[0] == "#") and (inner := _place(kind, name)):
                return offset + inner[0], inner[1]
    return None


def _is_simple_pointer(value: Any) -> bool:
    return isinstance(value, _SimpleCData) and value._type_ in "PzZ"  # type: ignore[attr-defined]
