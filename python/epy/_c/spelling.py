"""How C spells ctypes types: for people, in messages and in `epy inspect`."""

from __future__ import annotations

from _ctypes import Array, CFuncPtr, Union, _Pointer, _SimpleCData

from .terms import function_is_variadic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Code (see _core.pyi) -> C spelling, of ctypes' simple types.
SPELLING = {
    "?": "_Bool",
    "c": "char",
    "b": "signed char",
    "B": "unsigned char",
    "h": "short",
    "H": "unsigned short",
    "i": "int",
    "I": "unsigned int",
    "l": "long",
    "L": "unsigned long",
    "q": "long long",
    "Q": "unsigned long long",
    "f": "float",
    "d": "double",
    "g": "long double",
    "F": "float _Complex",
    "D": "double _Complex",
    "u": "wchar_t",
    "z": "char *",
    "s": "char *",
    "Z": "wchar_t *",
    "P": "void *",
    "O": "PyObject *",
}


def declare(ctype: Any, name: str, parameters: tuple[str, ...] = ()) -> str:
    """The C declaration of `name` with a ctypes type: "int *a", "int (*cb)(char *)".

    A function type with a plain name declares a function pointer; see `declare_function`.
    """
    if ctype is None:
        return _join("void", name)
    handle: Any = getattr(ctype, "_handle_type_", ctype)
    if hasattr(handle, "_is_consumed_"):
        return _join(handle._object_class_().__name__, name)  # as if by typedef void *Gain
    if "_epy_code_" in ctype.__dict__:
        return _join(SPELLING[ctype._epy_code_], name)
    if issubclass(ctype, _SimpleCData):
        return _join(SPELLING.get(ctype._type_, ctype.__name__), name)
    if issubclass(ctype, CFuncPtr):
        return declare_function(ctype, f"(*{name})", parameters)
    if issubclass(ctype, _Pointer):
        return declare(ctype._type_, f"*{name}")
    if issubclass(ctype, Array):
        inner = f"({name})" if name.startswith("*") else name
        return declare(ctype._type_, f"{inner}[{ctype._length_}]")
    return _join(f"{'union' if issubclass(ctype, Union) else 'struct'} {ctype.__name__}", name)


def declare_function(ctype: Any, name: str, parameters: tuple[str, ...] = ()) -> str:
    """The C prototype of a function `name` with a ctypes function type."""
    arguments: Any = ctype._argtypes_ or ()
    names = parameters if len(parameters) == len(arguments) else ("",) * len(arguments)
    inner = ", ".join(
        declare(argument, label) for argument, label in zip(arguments, names, strict=True)
    )
    kind = ctype.__dict__.get("_epy_kind_")  # of a header
    if kind is not None and function_is_variadic(kind):
        inner += ", ..." if inner else ""
    elif getattr(ctype, "_epy_variadic_", False):
        inner += ", ..."
    else:
        inner = inner or "void"
    return declare(ctype._restype_, f"{name}({inner})")


def _join(base: str, declarator: str) -> str:
    separator = "" if base.endswith("*") or not declarator else " "
    return f"{base}{separator}{declarator}"
