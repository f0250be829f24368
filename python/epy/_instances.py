"""Callbacks as instances of ctypes function types.

Such an instance fits a struct field or an argument of its type as it is. It keeps the callback,
also for what refers to it, and runs the Python function directly when it is called from Python.
"""

import ctypes

from . import _errors
from ._core import NativeFunction
from ._native import check_parameters, make_callback, place
from ._script import find_script
from ._types import class_of_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _ctypes import CFuncPtr
    from collections.abc import Callable
    from typing import Any

    from . import _core


def _native_type(prototype: "type[CFuncPtr]") -> "Any":
    """The subclass of a ctypes function type whose instances run Python directly."""
    found = vars(prototype).get("_epy_native_")  # lives as long as the type
    if found is None:
        metaclass: Any = type(prototype)
        body = {key: getattr(prototype, key) for key in ("_flags_", "_restype_", "_argtypes_")}
        body["__module__"] = "epy"
        found = metaclass(prototype.__name__, (NativeFunction, prototype), body)
        prototype._epy_native_ = found  # type: ignore[attr-defined]
    return found


def keep_callback(native: "Any", callback: "_core.Callback") -> None:
    """Let a function pointer keep its callback, also for what refers to it."""
    # Whatever ctypes object refers to this one keeps its `_objects`: let that be the callback.
    # ctypes makes the dictionary on first use, and cast is one.
    ctypes.cast(native, ctypes.c_void_p)
    native._objects.clear()
    native._objects["callback"] = callback
    native.address = callback.address
    native.callback = callback


def wrap(
    function: "Callable[..., Any]",
    prototype: "type[CFuncPtr]",
    callback: "_core.Callback",
) -> "Any":
    """A callback as an instance of its function type."""
    native = _native_type(prototype)(callback.address)
    keep_callback(native, callback)
    native.__wrapped__ = function
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        if hasattr(function, name):
            setattr(native, name, getattr(function, name))
    return native


def as_ctypes(callback: "_core.Callback") -> "Any":
    """For the core: `NativeFunction.as_ctypes` of a callback that is no instance."""
    return wrap(callback.function, ctypes.CFUNCTYPE(*map(_class_of, callback.types)), callback)


def prototype_of(codes: str) -> "Any":
    """The function type of plain values with these codes."""
    return ctypes.CFUNCTYPE(*map(_class_of, codes))


def _class_of(what: "Any") -> "Any":
    return what if isinstance(what, type) else class_of_code(what)


def untyped_callback(
    base: "Any", function: "Any", codes: str, classes: tuple[type | None, ...], error: object
) -> "Any":
    """A callback as an instance of `base`, a function pointer type without a prototype.

    For values of a struct's fields: making a type takes longer than making the callback.
    """
    script = find_script()
    try:
        check_parameters(function, len(classes) - 1)
    except _errors.SignatureError as problem:
        raise _errors.SignatureError(
            f'{place(function)} {problem}, or give epy.callback("int (*)(int)", f) of the '
            "prototype that the host means"
        ) from None
    name = getattr(function, "__name__", type(function).__name__)
    made = make_callback(function, codes, classes, error, f"callback '{name}'", script)
    native = base(made.address)
    keep_callback(native, made)
    script.hold(native)
    return native
