"""The C signature of a Python function: from a prototype, or from its annotations, read raw."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr

from ._errors import SignatureError
from ._types import Buffer, declare_function, describe, evaluate, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._script import Script

    Prototype = str | type[CFuncPtr]

_VARARGS = 0x04  # inspect.CO_VARARGS


class Signature:
    """What the core and the manifest need to know of one C function."""

    __slots__ = ("classes", "codes", "name", "prototype", "text")

    def __init__(self, prototype: type[CFuncPtr], name: str = "", text: str = "") -> None:
        arguments = getattr(prototype, "_argtypes_", None)
        if arguments is None:
            raise SignatureError("its ctypes function type has no parameters: use CFUNCTYPE(...)")
        self.classes: tuple[Any, ...]  # as _core.Callback takes them
        self.codes, self.classes = signature(getattr(prototype, "_restype_", None), arguments)
        self.prototype = prototype
        self.name = name  # in the C prototype; "" without one
        self.text = text  # the C prototype as the script has it; "" without one

    def count_buffer(self, index: int, buffer: Buffer, names: tuple[str, ...]) -> None:
        """Let parameter `index` be a view of as many items as another parameter says."""
        counted = names.index(buffer.count) if buffer.count in names else None
        arguments: Any = getattr(self.prototype, "_argtypes_", None)
        if counted is None or describe(arguments[counted])[0] not in "bBhHiIlLqQ":
            raise SignatureError(
                f"parameter '{names[index]}' is a Buffer whose count '{buffer.count}' is no "
                "integer parameter of the function: name the one that holds the number of items"
            )
        viewed = buffer.type, counted, buffer.writable
        self.classes = (*self.classes[: index + 1], viewed, *self.classes[index + 2 :])


def of_prototype(
    prototype: Prototype, namespace: dict[str, Any], script: Script | None
) -> Signature:
    """The signature that C text or a ctypes function type stands for."""
    if not isinstance(prototype, str):
        return Signature(prototype)
    known = script.prototypes.get(prototype) if script else None
    if known is None:
        from ._prototype import parse  # needs pycparser: only where no build has stored the result

        known = parse(prototype, namespace)
        if script:
            script.prototypes[prototype] = known
    name, expression = known
    try:
        found = evaluate(expression, namespace)
    except NameError as error:
        raise SignatureError(
            f"the C prototype '{prototype}' needs the type {error.name}: define it before"
        ) from None
    return Signature(found, name, " ".join(prototype.split()).rstrip("; "))


def of_annotations(function: Callable[..., Any]) -> Signature:
    """The signature that a function's annotations stand for."""
    plain = unwrap(function)
    code = getattr(plain, "__code__", None)
    if code is None:
        raise SignatureError(
            "has no annotations: give a prototype, as in @epy.export('int f(int)')"
        )
    if code.co_flags & _VARARGS:
        raise SignatureError(
            "takes *args, but a C function has a fixed number of parameters: list them, "
            "or give a prototype"
        )
    _refuse_keyword_only(plain, code)
    names = code.co_varnames[bound(plain) : code.co_argcount]
    types = [annotation(plain, name) for name in names]
    result = annotation(plain, "return")
    buffers = {index: one for index, one in enumerate(types) if isinstance(one, Buffer)}
    for index, buffer in buffers.items():
        types[index] = buffer.pointer
    signature(result, types, names)  # names the parameter that is wrong, ctypes does not
    found = Signature(
        ctypes.CFUNCTYPE(*(getattr(one, "_handle_type_", one) for one in (result, *types)))
    )
    for index, buffer in buffers.items():
        found.count_buffer(index, buffer, names)
    return found


def count_buffers(found: Signature, function: Callable[..., Any]) -> None:
    """Take the `epy.Buffer`s of a function's annotations into the signature of its prototype."""
    plain = unwrap(function)
    code = getattr(plain, "__code__", None)
    given = getattr(plain, "__annotations__", None)
    if not given or code is None:
        return
    names = code.co_varnames[bound(plain) : code.co_argcount]
    for index, name in enumerate(names):
        if name in given and isinstance(buffer := annotation(plain, name), Buffer):
            found.count_buffer(index, buffer, names)


def check_parameters(function: Callable[..., Any], count: int) -> None:
    """SignatureError if a function can not be called with `count` positional arguments."""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    _refuse_keyword_only(function, code)
    most = code.co_argcount - bound(function)
    least = most - len(getattr(function, "__defaults__", None) or ())
    if count < least or (count > most and not code.co_flags & _VARARGS):
        takes = str(most) if least == most else f"{least} to {most}"
        raise SignatureError(
            f"takes {takes} argument{'' if most == 1 else 's'}, but its prototype has {count}: "
            "let both agree"
        )


def describe_function(export: str, found: Signature, function: Callable[..., Any]) -> str:
    """The C prototype to show to people."""
    if found.text and found.name == export:
        return found.text
    plain = unwrap(function)
    code = getattr(plain, "__code__", None)
    names = code.co_varnames[bound(plain) : code.co_argcount] if code else ()
    return declare_function(found.prototype, export, names)


def unwrap(function: Any) -> Any:
    """The function that decorators wrapped."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def place(function: Any) -> str:
    """How errors name a function: "/synth.py:12: add()"."""
    plain = unwrap(function)
    name = getattr(plain, "__name__", None) or type(plain).__name__
    code = getattr(plain, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}: {name}()" if code else f"{name}()"


def bound(function: Any) -> int:
    """1 for a bound method, whose first parameter is given."""
    return int(hasattr(function, "__self__"))


def _refuse_keyword_only(function: Any, code: Any) -> None:
    first = code.co_argcount
    for name in code.co_varnames[first : first + code.co_kwonlyargcount]:
        if name not in (function.__kwdefaults__ or {}):
            raise SignatureError(
                f"has the keyword-only parameter '{name}', which C cannot pass: "
                "make it positional or give it a default"
            )


def annotation(function: Any, name: str) -> Any:
    what = "the result" if name == "return" else f"parameter '{name}'"
    try:
        if name in function.__annotations__:
            annotation = function.__annotations__[name]
            while isinstance(annotation, str):  # twice: quoted under `from __future__`
                annotation = eval(annotation, function.__globals__)
            return annotation
    except Exception as error:
        raise SignatureError(
            f"the annotation of {what} cannot be resolved ({error}): use a ctypes type that the "
            "script has defined before"
        ) from None
    example = "`-> c_int` (`-> None` for void)" if name == "return" else f"`{name}: c_int`"
    raise SignatureError(
        f"{what} has no annotation: write {example}, or give a prototype to the decorator"
    )
