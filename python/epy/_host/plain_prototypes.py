"""C prototypes of plain types, read where no Clang is: in a running plugin, for its host.

Plain are C's and POSIX's own types, enums, pointers of any kind, also of functions, and the host's
classes.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator

from .._errors import SignatureError
from .values import c_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class HostPointer:
    """A pointer to an object of a class of the host's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HostPointer) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


_UNKNOWN: Any = object()
_HEAD = re.compile(r"(.*?)(\w+)", re.DOTALL)  # "int name", "int *name"
_POINTER = re.compile(r"(.*?)\(\s*\*\s*(\w*)\s*\)", re.DOTALL)  # "int (*name)", "int (*)"
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


def read_prototype(
    text: str, is_class: Callable[[str], bool] = lambda name: False
) -> tuple[str, Any, list[Any]]:
    """Name, result and parameters. SignatureError for what is no plain type.

    `is_class` tells the names of the host's classes. The name may be missing: "int (*)(int)".
    """
    head, inside = _split(text)
    found = _POINTER.fullmatch(head) or _HEAD.fullmatch(head)
    if found is None or "(" in found[1] or not found[1].strip():
        raise _unreadable(text)
    result = _type(found[1], is_class, text, named=False)
    types = [] if inside in ("", "void") else list(_parameters(inside, is_class, text))
    return found[2] or "callback", result, types


def _unreadable(text: str) -> SignatureError:
    return SignatureError(
        f"'{text}': no C prototype of plain types: write it as in \"int (*)(void *, size_t)\""
    )


def _split(text: str) -> tuple[str, str]:
    """What stands before the parentheses at the end, and in them."""
    text = text.strip().rstrip(";").rstrip()
    depth = 0
    for i in range(len(text) - 1, -1, -1) if text.endswith(")") else ():
        depth += {")": 1, "(": -1}.get(text[i], 0)
        if depth == 0:
            return text[:i].strip(), text[i + 1 : -1].strip()
    raise _unreadable(text)


def _parameters(inside: str, is_class: Callable[[str], bool], prototype: str) -> Iterator[Any]:
    for one in re.findall(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+", inside):
        if "(" not in one:
            found = _type(one, is_class, prototype, named=True)
            if found is None:
                raise SignatureError(f"'{prototype}': a parameter cannot be void")
            yield found
            continue
        _, result, types = read_prototype(one, is_class)
        yield ctypes.CFUNCTYPE(*map(type_in_c, (result, *types)))


def type_in_c(wanted: Any) -> Any:
    """As ctypes has it."""
    return ctypes.c_void_p if isinstance(wanted, HostPointer) else wanted


def _type(text: str, is_class: Callable[[str], bool], prototype: str, *, named: bool) -> Any:
    stars = text.count("*") + text.count("[")
    found = re.findall(r"\w+", re.sub(r"\[.*?\]", "", text))
    if not found:
        raise SignatureError(f"'{prototype}': {text.strip()!r} is no plain type of C's")
    words = [word for word in found if word not in _QUALIFIERS]
    if words[:1] == ["enum"]:
        words = ["int", *words[2:]]
    last = text.rstrip().rpartition("*")[2].split("[")[0].strip()
    if named and len(words) > 1 and (last if stars else _named(words)) == words[-1]:
        words.pop()
    name = " ".join(words)
    if stars:
        if stars == 1 and is_class(name):
            return HostPointer(name)
        return c_str if stars == 1 and name == "char" else ctypes.c_void_p
    simple = _simple(words)
    if simple is _UNKNOWN:
        raise SignatureError(f"'{prototype}': {name!r} is no plain type of C's")
    return simple


def _named(words: list[str]) -> str:
    """The last word, if it is a parameter's name and no part of a type."""
    return words[-1] if _simple(words) is _UNKNOWN else ""


def _simple(words: list[str]) -> Any:
    """The ctypes type, None for void; `_UNKNOWN` if it is none."""
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
    return _OTHERS.get(name, INTEGERS.get(name, _UNKNOWN))
