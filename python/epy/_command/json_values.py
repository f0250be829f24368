"""C values of `epy call` as JSON: numbers, text, arrays and structs, and what pointers lead to."""

from __future__ import annotations

import ctypes
import difflib
import json
import os
from ctypes import Array, Structure, Union, _Pointer, _SimpleCData
from typing import Any

from .._errors import Error

_INTEGERS = "bBhHiIlLqQ"
_SHOWN = 200  # characters of a text


def is_pointer(ctype: Any) -> bool:
    """To something with a type."""
    return isinstance(ctype, type) and issubclass(ctype, _Pointer)


def read(place: str, text: str) -> Any:
    """What a JSON text says; Error names the place."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        shown = text if len(text) < _SHOWN else f"{text[:_SHOWN]}..."
        raise Error(f"{place}: {shown!r} is no JSON: {error}; quote it for the shell") from None


def encode(place: str, text: str) -> bytes:
    """What a command line or a JSON text has, in bytes; Error for half of a pair, "\\ud800"."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _misfit(place, text, "characters") from None


def make(place: str, ctype: Any, value: Any) -> Any:
    """A C value of that type; what it leads to is kept by it."""
    if is_pointer(ctype):
        return _pointer(place, ctype, value)
    if issubclass(ctype, (Structure, Union)):
        return _struct(place, ctype, value)
    if issubclass(ctype, Array):
        return _array(place, ctype, value)
    if issubclass(ctype, _SimpleCData):
        return _simple(place, ctype, value)
    raise _misfit(place, value, "nothing: call it from C or with ctypes")


def target(ctype: Any, count: int) -> Any:
    """Memory for what a function writes through such a pointer."""
    element = ctype._type_
    complete(element)
    return (element * count)()


def show(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, Structure | Union):
        complete(type(value))
        fields = _fields(type(value)).items()
        # What a flexible array has lies behind the struct, where this one has no room.
        return {n: [] if _is_flexible(it) else show(getattr(value, n)) for n, it in fields}
    if isinstance(value, Array):
        if getattr(type(value)._type_, "_type_", None) == "c":
            return _text(bytes(value).split(b"\0")[0])
        return [show(value[i]) for i in range(len(value))]
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, _SimpleCData):
        return show(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, _Pointer) and not value:
        return None
    return str(value)


def render(value: Any) -> str:
    """As JSON text in one line; text itself as it is."""
    shown = show(value)
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def complete(ctype: Any) -> None:
    """A struct of a header gets its fields when it is reached through a pointer."""
    if isinstance(ctype, type) and issubclass(ctype, (Structure, Union)):
        room = ctypes.create_string_buffer(16)
        ctypes.cast(room, ctypes.POINTER(ctype))[0]


def _pointer(place: str, ctype: Any, value: Any) -> Any:
    if value is None:
        return None
    element = ctype._type_
    complete(element)
    kind = getattr(element, "_type_", None)
    if isinstance(value, str) and kind in ("c", "b", "B"):
        data = encode(place, value)
        made: Any = (element * (len(data) + 1)).from_buffer_copy(data + b"\0")
    else:
        items = value if isinstance(value, list) else [value]
        made = (element * len(items))()
        for index, item in enumerate(items):
            made[index] = make(f"{place}[{index}]", element, item)
    return ctypes.cast(made, ctype)  # which keeps it


def _struct(place: str, ctype: Any, value: Any) -> Any:
    complete(ctype)
    fields = _fields(ctype)
    if isinstance(value, list) and len(value) <= len(fields):
        value = dict(zip(fields, value, strict=False))
    if not isinstance(value, dict):
        raise _misfit(place, value, f"an object such as {_example(fields)}")
    made = ctype()
    for name, item in value.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(fields)}"
            raise Error(f"{place}: {ctype.__name__} has no field {name!r}; {hint}")
        stored = make(f"{place}.{name}", fields[name], item)
        if _is_flexible(fields[name]):
            continue
        is_text = isinstance(stored, Array) and isinstance(item, str)  # ctypes takes bytes for it
        try:
            setattr(made, name, encode(place, item) if is_text else stored)
        except (Error, ValueError) as error:
            raise Error(f"{place}: {error}") from None
        if isinstance(stored, int) and (getattr(made, name) or 0) != stored:
            raise _misfit(f"{place}.{name}", item, "an integer of fewer bits")
    return made


def _array(place: str, ctype: Any, value: Any) -> Any:
    if _is_flexible(ctype) and value != []:
        raise _misfit(place, value, "[]: it has room in C alone, behind the struct")
    element, length = ctype._type_, ctype._length_
    if isinstance(value, str) and getattr(element, "_type_", None) == "c":
        data = encode(place, value)
        if len(data) > length:
            raise _misfit(place, value, f"at most {length} bytes")
        return ctype(*data)
    if not isinstance(value, list) or len(value) > length:
        raise _misfit(place, value, f"an array of at most {length}")
    made = ctype()
    for index, item in enumerate(value):
        made[index] = make(f"{place}[{index}]", element, item)
    return made


def _simple(place: str, ctype: Any, value: Any) -> Any:
    kind = ctype._type_
    if kind in _INTEGERS and isinstance(value, int) and not isinstance(value, bool):
        if ctype(value).value == value:
            return value
        raise _misfit(place, value, f"an integer of {8 * ctypes.sizeof(ctype)} bits")
    if kind in "fdg" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind == "?" and isinstance(value, bool):
        return value
    if kind in "zZ" and (value is None or isinstance(value, str)):
        return value if kind == "Z" or value is None else encode(place, value)
    if kind == "c" and isinstance(value, str) and len(data := encode(place, value)) == 1:
        return data
    if kind == "P" and (value is None or (isinstance(value, int) and value >= 0)):
        return value
    raise _misfit(place, value, f"a value for {ctype.__name__}")


def _fields(ctype: Any) -> dict[str, Any]:
    """The fields' types, by name."""
    bases = [base for base in reversed(ctype.__mro__) if "_fields_" in vars(base)]
    fields = {field[0]: field[1] for base in bases for field in base._fields_}
    if not hasattr(ctype, "_epy_names_"):
        return fields
    found: dict[str, Any] = {}  # of a header: with bit-fields, and what is in anonymous members
    for name in ctype._epy_names_:
        if name.startswith("#"):
            found |= _fields(fields[name])
        else:
            found[name] = ctype._epy_classes_.make(ctype._epy_types_[name])
    return found


def _is_flexible(ctype: Any) -> bool:
    return issubclass(ctype, Array) and ctype._length_ == 0


def _example(fields: dict[str, Any]) -> str:
    return "{" + ", ".join(f'"{name}": ...' for name in list(fields)[:2]) + "}"


def _text(data: bytes) -> str:
    return os.fsdecode(data)


def _misfit(place: str, value: Any, expected: str) -> Error:
    return Error(f"{place}: {json.dumps(value)} does not convert; expected {expected}")
