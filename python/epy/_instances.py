"""Callbacks whose types are classes: of a header's functions, or of ctypes' own making.

An instance of such a class fits a struct field or an argument of its type as it is. It keeps the
callback, also for what refers to it, and runs the Python function directly when it is called from
Python.
"""

import ctypes

from . import _core, _errors
from ._core import NativeFunction
from ._native import (
    callback_function,
    check_parameters,
    make_callback,
    parameters,
    place,
    python_function,
)
from ._script import find_script
from ._types import class_of_code, of_function_type, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _ctypes import CFuncPtr
    from collections.abc import Callable
    from typing import Any

    from ._native import Signature


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


# Of a header


def is_open(kind: "Any") -> bool:
    """Whether a function type is `()`, which says nothing of parameters."""
    _, _, parameters, is_variadic = kind
    return is_variadic and not parameters


def typed_signature(ctype: "Any", function: "Any") -> "Signature":
    """What the core needs to know of a Python function with a header's function type."""
    if is_open(ctype._epy_kind_):
        from ._headers.any_function import opened

        ctype = opened(ctype, function)
    try:
        found = of_function_type(ctype)
        if getattr(parameters(function)[0], "__annotations__", None):
            from ._signature import refined

            found = refined(ctype, function)
        if _is_variadic(ctype._epy_kind_):
            from ._headers.variadic import opened as with_more

            found.called, found.codes, found.classes = with_more(
                function, found.codes, found.classes, ctype
            )
        else:
            check_parameters(function, len(found.classes) - 1)
    except _errors.SignatureError as error:
        raise _errors.SignatureError(f"{place(function)} {error}") from None
    return found


def _is_variadic(kind: "Any") -> bool:
    _, _, parameters, is_variadic = kind
    return bool(is_variadic and parameters)


def _behind(function: "Any") -> "Any":
    try:
        return parameters(function)[0]
    except _errors.SignatureError as problem:
        raise _errors.SignatureError(f"{place(function)} {problem}") from None


def field_callback(classes: "_core.Classes", kind: "Any", function: "Any") -> "Any":
    """A callback of a function type, as a function pointer without a prototype: for the core."""
    function = python_function(function)
    plain = _behind(function)
    if getattr(plain, "__annotations__", None) or (is_open(kind) and plain is not None):
        found = typed_signature(classes.make(("*", kind)), function)  # which they refine
        return callback_function(function, found, None)
    known = classes.signatures.get(kind)
    if known is None:
        result, *types = classes.parts(kind)
        known = classes.signatures[kind] = signature(result, types)
    codes, ctypes = known
    if _is_variadic(kind):
        return _variadic_callback(classes, kind, function, codes, ctypes)
    return untyped_callback(_core.Function, function, codes, ctypes, classes.error(kind[1]))


def _variadic_callback(
    classes: "_core.Classes", kind: "Any", function: "Any", codes: str, ctypes: "tuple[Any, ...]"
) -> "Any":
    from ._headers.variadic import opened  # few headers have them

    try:
        called, codes, ctypes = opened(function, codes, ctypes, classes.make(("*", kind)))
    except _errors.SignatureError as problem:
        raise _errors.SignatureError(f"{place(function)} {problem}") from None
    return untyped_callback(_core.Function, called, codes, ctypes, classes.error(kind[1]))
