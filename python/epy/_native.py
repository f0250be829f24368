"""The object that stands for a Python function with a native address."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Base = CFuncPtr  # each instance is one, by the subclass that _native_type makes
else:
    Base = object


class NativeFunction(Base):
    """A Python function that C can call: what `epy.export` and `epy.callback` return.

    It is also an instance of its ctypes function type, so it fits a struct field or an argument of
    that type as it is. Called from Python it runs the Python function directly.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]
    address: int
    """What C calls."""
    callback: _core.Callback

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{self.callback.label} at {self.address:#x}>"


native_types: dict[type[CFuncPtr], Any] = {}
"""By the function type that they are made of."""


def _native_type(prototype: type[CFuncPtr]) -> Any:
    """The subclass of a ctypes function type whose instances run Python directly."""
    found = native_types.get(prototype)
    if found is None:
        metaclass: Any = type(prototype)
        body = {key: getattr(prototype, key) for key in ("_flags_", "_restype_", "_argtypes_")}
        body["__module__"] = "epy"
        found = metaclass(prototype.__name__, (NativeFunction, prototype), body)
        native_types[prototype] = found
    return found


def keep_callback(native: Any, callback: _core.Callback) -> None:
    """Let a function pointer keep its callback, also for what refers to it."""
    # Whatever ctypes object refers to this one keeps its `_objects`: let that be the callback.
    # ctypes makes the dictionary on first use, and cast is one.
    ctypes.cast(native, ctypes.c_void_p)
    native._objects.clear()
    native._objects["callback"] = callback
    native.address = callback.address
    native.callback = callback


def wrap(
    function: Callable[..., Any],
    prototype: type[CFuncPtr],
    callback: _core.Callback,
    address: int,
) -> Any:
    """The object for a function whose callback C reaches at `address`."""
    native = _native_type(prototype)(address)
    keep_callback(native, callback)
    native.__wrapped__ = function
    native.address = address
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        if hasattr(function, name):
            setattr(native, name, getattr(function, name))
    return native
