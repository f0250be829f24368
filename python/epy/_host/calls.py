"""Calls of the host's functions that exceptions of callbacks pass, and those that leave Python."""

from __future__ import annotations

import ctypes
from _ctypes import Array, CFuncPtr, _Pointer, _SimpleCData

from .. import _core
from .._errors import SignatureError, wrong_argument
from .._types import CData, native_address, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def call(function: Callable[..., Any], /, *args: Any) -> Any:
    """Call a C function so that exceptions of callbacks inside it are raised here.

    `function` is a ctypes function object; the result is what it returns. An argument may be memory
    of Python's too, where its type is a pointer or none is given: a bytearray, a numpy array. While
    it runs it may call callbacks and exports of epy on this thread. One that raises gives C its
    error value, as always; when C has returned, the first such exception is raised again here
    instead of being reported. A note counts those that followed. Its attribute `epy_result` is what
    the C function returned.

    That holds for callbacks that the function itself calls, not for those below them: each callback
    has a boundary of its own. The GIL is released during the call, unless the host held it when it
    called the plugin. Functions of a header (`host.NAME(...)`) are always called like that.
    """
    if not callable(function):
        raise wrong_argument("call", "function", function, "a function of C, or another callable")
    if isinstance(function, CFuncPtr) and not hasattr(function, "_epy_checks_"):
        types = function.argtypes or ()
        if types:
            args = (*args[: len(types)], *map(_promoted, args[len(types) :]))
        args = tuple(map(_memory_argument, (*types, *(None for _ in args)), args))
    return _core.call(function, *args)


def _promoted(value: Any) -> Any:
    """What C passes for `...`: never a float, nor an integer below int."""
    code = getattr(value, "_type_", None) if isinstance(value, _SimpleCData) else None
    if code == "f":
        return ctypes.c_double(value.value)
    if code == "c":
        return ctypes.c_int(ctypes.c_byte.from_buffer(value).value)
    return ctypes.c_int(value.value) if code in ("b", "B", "h", "H", "?") else value


def _memory_argument(ctype: Any, value: Any) -> Any:
    """What ctypes takes for the memory of a Python object; anything else as it is."""
    if not _is_memory(value):
        return value
    return _core.instance(ctypes.c_void_p if ctype is None else ctype, value)


def _is_memory(value: Any) -> bool:
    if value is None or isinstance(value, (int, float, str, bytes, CData)):
        return False
    try:
        memoryview(value)
    except (TypeError, ValueError):
        return False
    return True


def tail_call(function: Any, /, *args: Any) -> Any:
    """Leave Python for a C function that does not come back: `return epy.tail_call(f, ...)`.

    For functions that longjmp or throw: lua_error, ereport, croak, Rf_error. Called as usual they
    would jump across Python, which does not survive that. The value of `tail_call` must be what the
    callback returns. Python is left as after any call, without the interpreter lock; then the
    function gets the host's stack frame and the arguments. Should it return, its result is the
    callback's.

    `function` is a header's (`host.lua_error`), a ctypes function object, best with `argtypes`, or
    an address. Arguments without a type pass as ctypes would: int as a 64-bit integer, bytes as
    `char *`, str as `wchar_t *`, None as NULL, float as a double, ctypes objects as what they are.
    A header's function takes str as `char *`. All arguments travel in registers: at most 6 integers
    and pointers, and 8 floating-point numbers. What they point into lives until the callback's next
    return on this thread.

    Raises SignatureError for an argument that C cannot be given.
    """
    function = getattr(function, "native", function)  # a header's is looked up at its first use
    if isinstance(function, CFuncPtr):
        address = native_address(function)
        types = list(function.argtypes or ())
        if hasattr(function, "_epy_kind_"):
            wide = [index for index, ctype in enumerate(types) if ctype is ctypes.c_wchar_p]
            args = tuple(
                value.encode() if isinstance(value, str) and index not in wide else value
                for index, value in enumerate(args)
            )
    elif isinstance(function, int):
        address, types = function, []
    else:
        fits = "a function of C, or its address"
        raise wrong_argument("tail_call", "function", function, fits)
    if not address:
        raise SignatureError("epy.tail_call got a null function: look it up first")
    if len(args) < len(types):
        raise SignatureError(
            f"epy.tail_call: the function takes {len(types)} arguments, not {len(args)}"
        )
    types += [_type_of(value) for value in args[len(types) :]]
    # An instance of one of ctypes' own simple types stands for its value.
    values = tuple(value.value if isinstance(value, _SimpleCData) else value for value in args)
    try:
        return _core.TailCall(address, *signature(None, types), values)
    except (TypeError, ValueError, OverflowError) as error:
        raise SignatureError(f"epy.tail_call: {error}") from None


def _type_of(value: Any) -> Any:
    """The C type of an argument that the prototype does not name."""
    if value is None:
        return ctypes.c_void_p
    if isinstance(value, int):
        return ctypes.c_longlong if value < 1 << 63 else ctypes.c_ulonglong
    if isinstance(value, float):
        return ctypes.c_double
    if isinstance(value, bytes):
        return ctypes.c_char_p
    if isinstance(value, str):
        return ctypes.c_wchar_p
    if isinstance(value, (_SimpleCData, _Pointer, CFuncPtr)):
        return type(value)
    if isinstance(value, Array):
        return ctypes.POINTER(value._type_)
    if _is_memory(value):
        return ctypes.c_void_p
    raise SignatureError(
        f"epy.tail_call cannot pass {value!r}: give it a ctypes type, as in c_void_p(...)"
    )
