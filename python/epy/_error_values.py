"""Error values: what the host receives when Python has no result for it.

A value, or a function of the exception. While there is no Python to ask (the plugin did not start,
the callback is gone) no exception is there to give to a function. A plugin's file holds the values
of its functions with all that their pointers lead to.
"""

import ctypes
from _ctypes import CFuncPtr

from . import _errors
from ._core import NativeFunction
from ._types import CData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import _core


def is_function(error: "Any") -> bool:
    """Whether it is called with the exception; function pointers of ctypes are values."""
    return callable(error) and not isinstance(error, (CData, NativeFunction))


def split_function(error: "Any") -> "tuple[Any, Any]":
    """What is called with the exception, and the value while there is none."""
    return (error, without_exception(error)) if is_function(error) else (None, error)


def without_exception(function: "Any") -> "Any":
    """The value of an error function while there is no exception: None, which is zero, or what it
    gives if its parameter has a default.

    Raises SignatureError for a function that cannot be called with the exception alone.
    """
    from ._native import check_parameters, parameters

    try:
        check_parameters(function, 1)
    except _errors.SignatureError:
        raise _errors.SignatureError(
            f"error={shown(function)} is called with the exception: let it take one argument"
        ) from None
    plain, _, least = parameters(function, wrapped=False)
    if plain is None or least:
        return None
    try:
        return function()
    except Exception as error:
        raise _errors.SignatureError(
            f"error={shown(function)} fails without an exception, for what the host gets while the "
            f"plugin has not started ({type(error).__name__}: {error}): give it no default"
        ) from None


def shown(error: "Any") -> str:
    """How messages and `epy inspect` show it."""
    if not is_function(error):
        return repr(error)
    return f"{getattr(error, '__name__', type(error).__name__)}(exception)"


def in_memory(callback: "_core.Callback") -> "tuple[Any, Any] | None":
    """A ctypes object that holds a callback's error value, as C has it, and the object that keeps
    alive what its pointers lead to. None for a value without pointers.

    Raises StampError for what no file can hold.
    """
    _, bits, memory, _, code, cls, keeper = callback.error_value
    if not any(bits):
        return None
    if code == "O":
        raise _errors.StampError(
            "a Python object cannot be stored in the plugin: leave it out, for NULL"
        )
    if code == "{":
        struct: Any = cls
        return struct.from_buffer_copy(memory or bits[: ctypes.sizeof(struct)]), keeper
    if keeper is None or code not in "PzZs":
        return None
    if isinstance(keeper, str):
        return ctypes.c_char_p(keeper.encode()), None
    leads_to_code = isinstance(cls, type) and issubclass(cls, CFuncPtr)
    pointer: Any = cls if leads_to_code else ctypes.c_void_p
    return pointer.from_buffer_copy(bits[: ctypes.sizeof(pointer)]), keeper
