"""C prototypes of plain types, read where no Clang is: in a running plugin, for its host.

Plain are C's and POSIX's own types, enums, pointers of any kind, and a class of the host's.
"""

from __future__ import annotations

import ctypes
import re

from .._errors import SignatureError
from .values import c_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OWN: Any = object()
"""A pointer to the host's class itself."""

_PROTOTYPE = re.compile(r"\s*(.*?)(\w+)\s*\((.*)\)\s*;?\s*", re.DOTALL)
_POINTER = re.compile(r"\(\s*\*\s*(\w*)\s*\)\s*\(")  # of a function: "(*)(", "(*name)("
_QUALIFIERS = {"const", "volatile", "restrict", "register", "extern", "struct", "union"}
INTEGERS = {
    "char": ctypes.c_byte,
    "signed char": ctypes.c_byte,
    "unsigned char": ctypes.c_ubyte,
    "short": ctypes.c_short,
    "unsigned short": ctypes.c_ushort,
    "int": ctypes.c_int,
    "unsigned": ctypes.c_uint,
    "long": ctypes.c_long,
    "unsigned long": ctypes.c_ulong,
    "long long": ctypes.c_longlong,
    "unsigned long long": ctypes.c_ulonglong,
}
_OTHERS = {
    "void": None,
    "bool": ctypes.c_bool,
    "_Bool": ctypes.c_bool,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "wchar_t": ctypes.c_wchar,
}


def read_prototype(text: str, own: str = "") -> tuple[str, Any, list[Any]]:
    """Name, result and parameters. SignatureError for what is no plain type.

    `own` is the host's class. The name may be missing: "int (*)(int)".
    """
    found = _PROTOTYPE.fullmatch(_POINTER.sub(_named_function, text, count=1))
    if found is None or "(" in found[3] or not found[1].strip():
        raise SignatureError(
            f"'{text}': no C prototype of plain types: write it as in \"int (*)(void *, size_t)\""
        )
    result = _type(found[1], own, text, named=False)
    inside = found[3].strip()
    if inside in ("", "void"):
        return found[2], result, []
    return found[2], result, [_type(one, own, text, named=True) for one in inside.split(",")]


def _named_function(found: re.Match[str]) -> str:
    return f" {found[1] or 'callback'}("


def _type(text: str, own: str, prototype: str, *, named: bool) -> Any:
    stars = text.count("*") + text.count("[")
    found = re.findall(r"\w+", re.sub(r"\[.*?\]", "", text))
    words = [word for word in found if word not in _QUALIFIERS]
    if words[:1] == ["enum"]:
        words = ["int", *words[2:]]
    last = text.rstrip().rpartition("*")[2].split("[")[0].strip()
    if named and len(words) > 1 and (last if stars else _named(words)) == words[-1]:
        words.pop()
    name = " ".join(words)
    if stars:
        if stars == 1 and name == own:
            return OWN
        return c_str if stars == 1 and name == "char" else ctypes.c_void_p
    simple = _simple(words)
    if simple is OWN:
        raise SignatureError(f"'{prototype}': {name!r} is no plain type of C's")
    return simple


def _named(words: list[str]) -> str:
    """The last word, if it is a parameter's name and no part of a type."""
    return words[-1] if _simple(words) is OWN else ""


def _simple(words: list[str]) -> Any:
    """The ctypes type, None for void; `OWN` if it is none."""
    name = " ".join(words)
    if name in _OTHERS:
        return _OTHERS[name]
    from .._c.standard_types import STANDARD

    words = STANDARD.get(name, name).split()
    if len(words) > 1 and "int" in words:
        words.remove("int")
    if "signed" in words and "char" not in words:
        words.remove("signed")
    if "unsigned" in words:
        words.remove("unsigned")
        words.insert(0, "unsigned")
    name = " ".join(words) or "int"
    return _OTHERS.get(name, INTEGERS.get(name, OWN))
