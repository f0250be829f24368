"""Tables of function pointers whose functions all take the table first: JNI's, COM's."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr, Structure, _Pointer

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def methods(table: Any) -> Methods:
    """The functions of a table as methods: `env = epy.methods(env); env.FindClass(b"x")`.

    `table` is a ctypes pointer to a structure of function pointers, or to a pointer to one
    (`JNIEnv *`), or to a structure whose first field is one (a COM object); or such a structure
    itself. Each function gets `table`, cast to the type of its first parameter, before the
    arguments given. A function is looked up on first use; AttributeError if the table has no
    such name or the pointer is NULL, so `hasattr` and `getattr(env, name, None)` tell.

    The table and its functions are the host's: they must live as long as the object is used. The
    GIL is released during a call, unless the host held it when it called the plugin. Raises
    ValueError for a NULL pointer, TypeError for what is no table.
    """
    return Methods(table)


class Methods:
    """What `epy.methods` returns."""

    def __init__(self, table: Any) -> None:
        self._first = ctypes.pointer(table) if isinstance(table, Structure) else table
        self._functions = _functions(table)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._functions, name)
        if not isinstance(function, CFuncPtr):
            raise AttributeError(f"'{name}' is no function of {type(self._functions).__name__}")
        if not function:
            raise AttributeError(f"'{name}' is NULL in this {type(self._functions).__name__}")
        parameters = function.argtypes
        kind: Any = parameters[0] if parameters else ctypes.c_void_p
        first = ctypes.cast(self._first, kind)

        def call(*arguments: Any) -> Any:
            return _core.call_as_found(function, first, *arguments)

        call.__name__ = name
        setattr(self, name, call)
        return call

    def __dir__(self) -> Iterator[str]:
        return (name for name, _ in _fields(type(self._functions)))

    def __repr__(self) -> str:
        return f"<methods of {type(self._functions).__name__}>"


def _functions(table: Any) -> Structure:
    """The structure of function pointers that a table leads to."""
    found = table
    seen: set[type] = set()  # a list's first field leads to its like, and may lead back
    while type(found) not in seen:
        seen.add(type(found))
        if isinstance(found, Structure):
            fields = _fields(type(found))
            if any(issubclass(kind, CFuncPtr) for _, kind in fields):
                return found
            found = getattr(found, fields[0][0]) if fields else None
        elif isinstance(found, _Pointer):
            if not found:
                raise ValueError("NULL is no table of functions: the host passed none")
            found = found[0]
        else:
            break
    raise TypeError(
        f"{type(table).__name__} leads to no structure of function pointers: give a pointer to one"
    )


def _fields(kind: Any) -> list[tuple[str, Any]]:
    """Names and types, inherited ones first."""
    return [
        field[:2] for base in reversed(kind.__mro__) for field in vars(base).get("_fields_", ())
    ]
