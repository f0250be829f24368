"""`epy call`: call a function of a plugin from the shell."""

import ctypes
import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import _core
from .._errors import Error
from .._file.tables import LOADER
from .._host.values import c_double_complex, c_float_complex, c_str
from .._native import parameters
from .._printable import printable
from .._report import reporter
from .._script import registry
from .._signature import annotation
from .._types import Buffer, split
from . import json_values
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
_OUT = re.compile(r"out(?::(\d{1,6}))?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def call(path: Path, name: str, texts: list[str]) -> int:
    """Call the function with arguments from the command line, and print its result.

    Returns 1 if the script did not start or a callback raised, which is on stderr then, else 0.
    """
    codes, signature = _find(path, name)
    if len(texts) != len(codes) - 1:
        raise Error(
            f"{path}: {name} takes {len(codes) - 1} arguments, {len(texts)} given; "
            f"it is `{signature}`"
        )
    place = os.path.realpath(path)  # before the script runs, which may change the folder
    raised: list[BaseException] = []

    def count(callback: _core.Callback, exception: BaseException) -> bool:
        raised.append(exception)
        return reporter(callback, exception)

    _core.set_reporter(count)
    try:
        if _is_plain(codes, texts):
            _call_plain(path, name, codes, texts)
        else:
            _call_typed(path, name, signature, texts)
    finally:
        _core.set_reporter(reporter)
    started = any(script.path == place for script in registry.by_plugin.values())
    return 0 if started and not raised else 1


def _is_plain(codes: list[str], texts: list[str]) -> bool:
    """Whether the codes say enough: no struct, nothing that a pointer leads to."""
    led = any(
        code in "Pz" and _leads(code, text) for code, text in zip(codes[1:], texts, strict=True)
    )
    return not led and all(code in _TYPES for code in codes if code != "v")


def _leads(code: str, text: str) -> bool:
    return _OUT.fullmatch(text) is not None or (code == "P" and text[:1] in ("[", "{", '"'))


def _call_plain(path: Path, name: str, codes: list[str], texts: list[str]) -> None:
    result, *parameters = codes
    arguments = [
        _argument(f"{path}: {name}: argument {number}", code, text)
        for number, (code, text) in enumerate(zip(parameters, texts, strict=True), 1)
    ]
    function = ctypes.CDLL(os.path.realpath(path))[name]
    function.argtypes = [_TYPES[code] for code in parameters]
    function.restype = _TYPES.get(result)
    value = function(*arguments)
    if result != "v":
        print(_show(result, value))


def _call_typed(path: Path, name: str, signature: str, texts: list[str]) -> None:
    """With the types that the script gives, which are known once it has started."""
    library = ctypes.CDLL(os.path.realpath(path))
    types = _types_of(path, library, name)
    if types is None:
        return  # said why
    arguments: list[Any] = []
    written: list[tuple[str, Any]] = []
    names = _parameter_names(signature, len(texts))
    for label, ctype, text in zip(names, types[1:], texts, strict=True):
        place = f"{path}: {name}: {label}"
        out = _OUT.fullmatch(text)
        code = _code_of(ctype)
        if out is not None and (json_values.is_pointer(ctype) or code in ("z", "P")):
            kind = ctype if code is None else ctypes.POINTER(ctypes.c_char)
            made = json_values.target(kind, int(out[1] or 1))
            written.append((label, made))
            arguments.append(ctypes.cast(made, ctype))
        elif code == "P" and _leads(code, text):
            arguments.append(ctypes.cast(_bytes_of(place, text), ctype))
        elif code is not None:
            arguments.append(_argument(place, code, text))
        else:
            value = None if text.lower() in _NULL else json_values.read(place, text)
            arguments.append(json_values.make(place, ctype, value))
    function = library[name]
    function.argtypes, function.restype = types[1:], types[0]
    value = function(*arguments)
    code = _code_of(types[0])
    if types[0] is not None:
        print(json_values.render(value) if code is None else _show(code, value))
    for label, made in written:
        shown = made[0] if len(made) == 1 else made
        print(f"{label} = {json_values.render(shown)}")


def _bytes_of(place: str, text: str) -> Any:
    """What a void pointer leads to: the bytes of a JSON text or list."""
    value = json_values.read(place, text)
    if isinstance(value, str):
        return ctypes.create_string_buffer(json_values.encode(place, value))
    if isinstance(value, list) and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return (ctypes.c_ubyte * len(value))(*value)
    raise Error(f"{place}: {text} does not convert; expected text or a list of bytes for void *")


def _types_of(path: Path, library: ctypes.CDLL, name: str) -> list[Any] | None:
    """Of the result, then of each parameter; None if the script did not start."""
    loader = ctypes.CDLL(os.fspath(LOADER))
    loader.epy_plugin_of.restype = ctypes.c_void_p
    loader.epy_plugin_of.argtypes = loader.epy_start.argtypes = [ctypes.c_void_p]
    if loader.epy_start(loader.epy_plugin_of(library._handle)) != 0:
        return None
    place = os.path.realpath(path)
    script = next(script for script in registry.by_plugin.values() if script.path == place)
    callback = script.exports[name].callback
    if callback is None:
        raise Error(f"{path}: {name} is no function of the script any more; build it again")
    function: Any = callback.as_ctypes()
    types = [function._restype_, *function._argtypes_]
    plain, names, _ = parameters(callback.function)
    for index, label in enumerate(names[: len(types) - 1], 1):
        if label in plain.__annotations__:
            given = annotation(plain, label)
            if isinstance(given, Buffer):  # what it views the callback does not say
                types[index] = given.pointer
    return types


def _parameter_names(signature: str, count: int) -> list[str]:
    """As the signature has them; "argument 2" where that cannot be told."""
    inner = signature[signature.index("(") + 1 : signature.rindex(")")]
    parts = inner.split(",") if "(" not in inner else []
    found = [re.search(r"(\w+)\s*(\[[^]]*\])?\s*$", part) for part in parts]
    if len(found) != count or not all(found):
        return [f"argument {number}" for number in range(1, count + 1)]
    return [one[1] for one in found if one is not None]


def _code_of(ctype: Any) -> str | None:
    """The code of a plain type."""
    return next((code for code, known in _TYPES.items() if known is ctype), None)


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
    if any(code not in _TYPES and code[0] != "{" for code in codes if code != "v"):
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
