"""Text into a buffer that the host hands over."""

from __future__ import annotations

import ctypes
from _ctypes import Array, _Pointer

from .._errors import wrong_argument
from .address import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ENCODINGS = {1: "utf-8", 2: "utf-16-le", 4: "utf-32-le"}  # by the size of a character
_CHARACTERS = (ctypes.c_char, ctypes.c_byte, ctypes.c_ubyte, ctypes.c_wchar, ctypes.c_uint16)


def put(text: str | bytes, buffer: Any, size: int, length: Any = None) -> int:
    """Copy a text and a NUL into a host's buffer of `size` characters, as snprintf does.

    What does not fit is cut off: str between two characters of it, bytes anywhere. `buffer` is the
    address of the buffer: an int (c_void_p), a `POINTER(c_char)`, an array, anything that
    `epy.address` takes. It holds char and str is written as UTF-8, unless its type says
    otherwise: `POINTER(c_wchar)` or an array of them, where str is UTF-32, or c_uint16 (SQLWCHAR,
    WCHAR of Windows), where it is UTF-16. With a NULL buffer, or a `size` below 1, nothing is
    written.

    Returns the length of the whole text in the buffer's characters, without the NUL: it was cut
    off if that is `size` or more. `length` is a pointer to an integer of the host's, such as a
    `POINTER(c_int)`, which receives the same number; None or NULL if there is none.

    Raises TypeError for a buffer of another type (also bytes: a `char *` parameter is a copy;
    declare it as c_void_p or POINTER(c_char)) and for bytes where characters are wider than char,
    ValueError for an array with less than `size` elements, UnicodeEncodeError for a str with lone
    surrogates, OverflowError if the number does not fit what `length` points to. Nothing is written
    then. It does not release the GIL; the buffer is the host's, who must keep it during the call.
    """
    if not isinstance(size, int):
        raise wrong_argument("put", "size", size, "the buffer's size in characters")
    unit = _unit(buffer)
    if isinstance(buffer, Array) and size > len(buffer):
        raise ValueError(f"the array has {len(buffer)} elements, not {size}: pass its length")
    if isinstance(text, str):
        data = text.encode(_ENCODINGS[unit])
    elif isinstance(text, bytes) and unit == 1:
        data = text
    else:
        raise TypeError(f"{type(text).__name__} is no text for such a buffer: give a str")
    count = len(data) // unit
    place = address(buffer)
    if length is not None:
        _store(count, length)
    if place and size > 0:
        if count >= size:
            data = data[: unit * (size - 1)]
            if isinstance(text, str):  # no half of a character
                data = data.decode(_ENCODINGS[unit], "ignore").encode(_ENCODINGS[unit])
        data += bytes(unit)
        ctypes.memmove(place, data, len(data))
    return count


def _unit(buffer: Any) -> int:
    """The size of a buffer's characters."""
    element: Any = ctypes.c_char
    if isinstance(buffer, (_Pointer, Array)):
        element = buffer._type_
    elif isinstance(buffer, ctypes.c_wchar_p):
        element = ctypes.c_wchar
    elif isinstance(buffer, (bytes, str)):
        raise TypeError(
            "a copy of the host's buffer: declare the parameter as c_void_p or POINTER(c_char), "
            "in a C prototype as `void *`"
        )
    if element not in _CHARACTERS:
        raise TypeError(f"a buffer of {element.__name__} holds no text: cast it to POINTER(c_char)")
    return ctypes.sizeof(element)


def _store(number: int, pointer: Any) -> None:
    if not isinstance(pointer, _Pointer):
        raise TypeError("length must be a pointer to an integer: declare it as POINTER(c_int)")
    if pointer:
        limit: Any = pointer._type_
        if limit(number).value != number:
            raise OverflowError(f"the length {number} does not fit {limit.__name__}")
        pointer[0] = number
