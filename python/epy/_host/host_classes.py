"""Classes for objects of the host's own, which it registers with epy.h."""

from __future__ import annotations

import ctypes
import re
from itertools import repeat

from .. import _core
from .._errors import ArgumentError, Error, SignatureError
from .._script import find_script
from .values import c_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_made: dict[str, type] = {}


def host_class(name: str) -> Any:
    """The Python class for objects of the host that it has registered as `name` (epy.h).

    An object of the host has one Python object, its wrapper, as long as either side has it: what a
    script sets on it stays, and weak references to it live. Its methods are the functions that the
    host has registered. `address` is the host's pointer.

    The class may be subclassed. If the host lets scripts make objects, a call of the class, or of a
    subclass, makes one of the host's, whose wrapper the new instance is; then it has a reference to
    the host's object.

    When the host's object dies before its wrapper, what uses it raises UnloadedError. While `epy
    build` runs the script, where no host is, the class is an empty stand-in.

    Raises Error if the host has registered no class of that name.
    """
    found = _made.get(name)
    if found is not None:
        return found
    described = _core.describe_host_class(name)
    if described is None:
        script = find_script()
        if script is not None and script.building:
            return type(name, (), {"__doc__": "A class of the host's."})
        raise Error(
            f"the host has no class {name!r}: it registers them with epy_register_class before the "
            "plugin starts"
        )
    methods, key = described
    body: dict[str, Any] = {"_host_class_": key, "__module__": "epy"}
    made = type(name, (_core.HostObject,), body)
    for prototype, address, own_name in methods:
        in_c, function = _method(made, prototype, address)
        setattr(made, own_name or in_c, function)
    _made[name] = made
    return made


def _method(owner: Any, prototype: str, address: int) -> tuple[str, Any]:
    name, result, parameters = read_prototype(prototype, owner.__name__)
    if not parameters or parameters[0] is not _own:
        raise SignatureError(f"'{prototype}': the first parameter is no `{owner.__name__} *`")
    types = [ctypes.c_void_p if one is _own else one for one in (result, *parameters)]
    native: Any = ctypes.CFUNCTYPE(*types)(address)

    def method(self: Any, *arguments: Any) -> Any:
        if len(arguments) != len(parameters) - 1:
            raise ArgumentError(
                f"{name} takes {len(parameters) - 1} arguments, not {len(arguments)}: {prototype}"
            )
        try:
            found = native(*map(_fitting, (self, *arguments), parameters, repeat(owner)))
        except ctypes.ArgumentError as error:
            raise ArgumentError(f"{name}: {error}; it is declared as `{prototype}`") from None
        return _core.wrap_host_object(owner, found) if result is _own and found else found

    method.__name__ = method.__qualname__ = name
    method.__doc__ = prototype
    return name, method


def _fitting(value: Any, wanted: Any, owner: type) -> Any:
    """The value, or what it stands for; ctypes looks at the type, but cuts integers off."""
    if wanted is _own and value is not None:
        if not isinstance(value, owner):
            raise ArgumentError(f"expected the host's {owner.__name__}, got {value!r}")
        return value.address  # type: ignore[attr-defined]
    if isinstance(value, int) and wanted in _INTEGERS.values() and wanted(value).value != value:
        raise ArgumentError(f"{value} does not fit in a C {wanted.__name__[2:]}")
    return value


# A running plugin reads no C by Clang: prototypes of methods are of plain types.

_own: Any = object()  # a pointer to the class itself
_PROTOTYPE = re.compile(r"\s*(.*?)(\w+)\s*\((.*)\)\s*;?\s*", re.DOTALL)
_QUALIFIERS = {"const", "volatile", "restrict", "register", "extern", "struct", "union"}
_INTEGERS = {
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


def read_prototype(text: str, own: str) -> tuple[str, Any, list[Any]]:
    """Name, result and parameters. SignatureError for what is no plain type."""
    found = _PROTOTYPE.fullmatch(text)
    if found is None or "(" in found[3]:
        raise SignatureError(f"'{text}': no C prototype of plain types")
    result = _type(found[1], own, text, named=False)
    inside = found[3].strip()
    if inside in ("", "void"):
        return found[2], result, []
    return found[2], result, [_type(one, own, text, named=True) for one in inside.split(",")]


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
            return _own
        return c_str if stars == 1 and name == "char" else ctypes.c_void_p
    simple = _simple(words)
    if simple is _own:
        raise SignatureError(f"'{prototype}': {name!r} is no plain type of C's")
    return simple


def _named(words: list[str]) -> str:
    """The last word, if it is a parameter's name and no part of a type."""
    return words[-1] if _simple(words) is _own else ""


def _simple(words: list[str]) -> Any:
    """The ctypes type, None for void; `_own` if it is none."""
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
    return _OTHERS.get(name, _INTEGERS.get(name, _own))
