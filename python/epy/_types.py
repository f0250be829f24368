"""The C types of signatures: their codes for the core, their C spelling, names in expressions."""

from __future__ import annotations

import ctypes
from _ctypes import Array, CFuncPtr, Structure, Union, _Pointer, _SimpleCData

from ._errors import SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

CData: type = _SimpleCData.__mro__[1]  # the base of every ctypes type

# Code (see _core.pyi) -> C spelling, of ctypes' simple types.
_SPELLING = {
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
    "u": "wchar_t",
    "z": "char *",
    "Z": "wchar_t *",
    "P": "void *",
    "O": "PyObject *",
}

# What a stored prototype's expression may name, besides the script's own types.
_NAMES = {
    name: value
    for name, value in vars(ctypes).items()
    if name.startswith("c_") or name in ("CFUNCTYPE", "POINTER", "py_object")
}


def evaluate(expression: str, namespace: dict[str, Any]) -> Any:
    """The ctypes type that an expression made by `_prototype` stands for."""
    return eval(expression, dict(namespace), _NAMES)


def native_address(function: CFuncPtr) -> int:
    """What a ctypes function object points to."""
    return ctypes.c_void_p.from_buffer(function).value or 0


def describe(ctype: Any) -> tuple[str, type | None]:
    """The code of a parameter's or result's type, and the class whose instance Python sees, if any.

    Raises SignatureError with the second half of a sentence that begins with what is wrong.
    """
    if ctype is None:
        return "v", None
    if isinstance(ctype, type):
        if issubclass(ctype, _SimpleCData):
            code: Any = getattr(ctype, "_type_", "")
            if code in _SPELLING and getattr(ctype, "__ctype_le__", ctype) is ctype:
                return code, None if ctype.__base__ is _SimpleCData else ctype
            raise SignatureError(f"has the type {ctype.__name__}, which is not supported")
        if issubclass(ctype, (_Pointer, CFuncPtr)):
            return "P", ctype
        if issubclass(ctype, (Structure, Union)):
            raise SignatureError(
                f"is a {ctype.__name__} by value, which is not supported: "
                f"use POINTER({ctype.__name__})"
            )
        if issubclass(ctype, Array):
            element: Any = ctype._type_
            raise SignatureError(f"is an array: use POINTER({element.__name__})")
    shown = ctype.__name__ if isinstance(ctype, type) else repr(ctype)
    raise SignatureError(
        f"has the type {shown}, which is no C type: use one of ctypes, such as c_int or c_char_p"
    )


def signature(
    result: Any, arguments: Iterable[Any], names: tuple[str, ...] = ()
) -> tuple[str, tuple[type | None, ...]]:
    """The codes and classes of a C function: of the result, then of each parameter."""
    described = [_described("the result", result)]
    for index, ctype in enumerate(arguments):
        label = f"parameter '{names[index]}'" if names else f"parameter {index + 1}"
        if ctype is None:
            raise SignatureError(f"{label} is void: leave it out")
        described.append(_described(label, ctype))
    return "".join(code for code, _ in described), tuple(cls for _, cls in described)


def _described(label: str, ctype: Any) -> tuple[str, type | None]:
    try:
        return describe(ctype)
    except SignatureError as error:
        raise SignatureError(f"{label} {error}") from None


def declare(ctype: Any, name: str, parameters: tuple[str, ...] = ()) -> str:
    """The C declaration of `name` with a ctypes type: "int *a", "int (*cb)(char *)".

    A function type with a plain name declares a function pointer; see `declare_function`.
    """
    if ctype is None:
        return _join("void", name)
    if issubclass(ctype, _SimpleCData):
        return _join(_SPELLING.get(ctype._type_, ctype.__name__), name)
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
    return declare(ctype._restype_, f"{name}({inner or 'void'})")


def _join(base: str, declarator: str) -> str:
    separator = "" if base.endswith("*") or not declarator else " "
    return f"{base}{separator}{declarator}"
