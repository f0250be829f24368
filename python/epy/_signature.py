"""The C signature of a Python function: from a prototype, or from its annotations, read raw."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr

from ._errors import SignatureError
from ._native import bound, refuse_keyword_only, unwrap
from ._types import Buffer, Signature, evaluate, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._script import Script

    Prototype = str | type[CFuncPtr]

_VARARGS = 0x04  # inspect.CO_VARARGS


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
    refuse_keyword_only(plain, code)
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
