"""`epy call`: call a function of a plugin from the shell."""

import ctypes
import difflib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import _core
from .._errors import Error
from .._host.values import c_double_complex, c_float_complex, c_str
from .._printable import printable
from .._report import reporter
from .._script import registry
from .._types import split
from .inspect import describe

_TYPES: dict[str, Any] = {
    "?": ctypes.c_bool,
    "c": ctypes.c_char,
    "b": ctypes.c_byte,
    "B": ctypes.c_ubyte,
    "h": ctypes.c_short,
    "H": ctypes.c_ushort,
    "i": ctypes.c_int,
    "I": ctypes.c_uint,
    "l": ctypes.c_long,
    "L": ctypes.c_ulong,
    "q": ctypes.c_longlong,
    "Q": ctypes.c_ulonglong,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
    "g": ctypes.c_longdouble,
    "F": c_float_complex,
    "D": c_double_complex,
    "u": ctypes.c_wchar,
    "z": ctypes.c_char_p,
    "s": c_str,
    "Z": ctypes.c_wchar_p,
    "P": ctypes.c_void_p,
}
_Convert = Callable[[Any, str], Any]

_NULL = ("none", "null")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def call(path: Path, name: str, texts: list[str]) -> int:
    """Call the function with arguments from the command line, and print its result.

    Returns 1 if the script did not start or a callback raised, which is on stderr then, else 0.
    """
    (result, *parameters), signature = _find(path, name)
    if len(texts) != len(parameters):
        raise Error(
            f"{path}: {name} takes {len(parameters)} arguments, {len(texts)} given; "
            f"it is `{signature}`"
        )
    arguments = [
        _argument(f"{path}: {name}: argument {number}", code, text)
        for number, (code, text) in enumerate(zip(parameters, texts, strict=True), 1)
    ]
    place = os.path.realpath(path)  # before the script runs, which may change the folder
    function = ctypes.CDLL(place)[name]
    function.argtypes = [_TYPES[code] for code in parameters]
    function.restype = _TYPES.get(result)
    raised: list[BaseException] = []

    def count(callback: _core.Callback, exception: BaseException) -> bool:
        raised.append(exception)
        return reporter(callback, exception)

    _core.set_reporter(count)
    try:
        value = function(*arguments)
    finally:
        _core.set_reporter(reporter)
    if result != "v":
        print(_show(result, value))
    started = any(script.path == place for script in registry.by_plugin.values())
    return 0 if started and not raised else 1


def list_functions(path: Path) -> str:
    """What can be called: the functions with a signature, a line each."""
    found = [item["signature"] for item in describe(path)["functions"] if item["codes"]]
    if not found:
        raise Error(f"{path}: has no function with a signature; `epy inspect` shows what it has")
    return "".join(f"{printable(signature)}\n" for signature in found)


def _find(path: Path, name: str) -> tuple[list[str], str]:
    """The codes and the text of the function's signature."""
    description = describe(path)
    if description["mode"] == "bare":
        raise Error(f"{path}: a bare stub has no signatures; build its script with `epy build`")
    functions = {item["name"]: item for item in description["functions"]}
    if name not in functions:
        if name in (item["name"] for item in description["data"]):
            raise Error(f"{path}: {name} is data; call a function")
        near = difflib.get_close_matches(name, functions, 1)
        hint = f"did you mean {near[0]}?" if near else "`epy inspect` lists what there is"
        raise Error(f"{path}: no function {name}; {hint}")
    codes, signature = split(functions[name]["codes"] or ""), functions[name]["signature"]
    if not codes:
        raise Error(f"{path}: {name} is an address without a signature; export it with @epy.export")
    if any(code not in _TYPES for code in codes if code != "v"):
        raise Error(
            f"{path}: {name} has a type that no text stands for; call it from C or with ctypes: "
            f"`{signature}`"
        )
    return codes, signature


def _argument(place: str, code: str, text: str) -> Any:
    kind = _TYPES[code]
    convert: _Convert = _CONVERT.get(code, _integer)
    try:
        return convert(kind, text)
    except ValueError as error:
        expected = error.args[0] if isinstance(error, _Mismatch) else f"a {kind.__name__}"
        raise Error(f"{place}: {text!r} does not convert; expected {expected}") from None


class _Mismatch(ValueError):
    """The text is none of what a type takes; the message is what it takes."""


def _integer(kind: Any, text: str) -> int:
    bits = 8 * ctypes.sizeof(kind)
    try:
        value = int(text, 0)
    except ValueError:
        raise _Mismatch(f"an integer for {kind.__name__}, such as 42 or 0x2a") from None
    if kind(value).value != value:
        raise _Mismatch(f"an integer of {bits} bits for {kind.__name__}")
    return value


def _boolean(kind: Any, text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise _Mismatch("true or false")
    return _BOOLEANS[text.lower()]


def _real(kind: Any, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _Mismatch(f"a number for {kind.__name__}") from None


def _complex(kind: Any, text: str) -> complex:
    try:
        return complex(text)
    except ValueError:
        raise _Mismatch("a complex number such as 1+2j") from None


def _character(kind: Any, text: str) -> bytes:
    value = os.fsencode(text)
    if len(value) != 1:
        raise _Mismatch("one byte for c_char")
    return value


def _wide_character(kind: Any, text: str) -> str:
    if len(text) != 1:
        raise _Mismatch("one character for c_wchar")
    return text


def _bytes(kind: Any, text: str) -> bytes | None:
    return None if text.lower() in _NULL else os.fsencode(text)


def _text(kind: Any, text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Mismatch("text in UTF-8") from None
    return None if text.lower() in _NULL else text


def _pointer(kind: Any, text: str) -> int | None:
    if text.lower() in _NULL:
        return None
    try:
        return int(text, 0)
    except ValueError:
        raise _Mismatch("null or an address for c_void_p, such as 0x1000") from None


_CONVERT: dict[str, _Convert] = {
    "?": _boolean,
    "f": _real,
    "d": _real,
    "g": _real,
    "F": _complex,
    "D": _complex,
    "c": _character,
    "u": _wide_character,
    "z": _bytes,
    "s": _text,
    "Z": _text,
    "P": _pointer,
}


def _show(code: str, value: Any) -> str:
    if code == "?":
        return "true" if value else "false"
    if value is None:
        return "NULL"
    if code == "P":
        return hex(value)
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)
