"""The C signature of a Python function: from a prototype, or from its annotations, read raw."""

import ctypes
from _ctypes import CFuncPtr

from . import _errors
from ._native import OF_A_METHOD, VARARGS, parameters
from ._types import (
    Buffer,
    count_buffer,
    describe,
    evaluate,
    is_c_type,
    of_function_type,
    signature,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._native import Signature
    from ._script import Script

    Prototype = str | type[CFuncPtr]

_OF_PYTHON = (float, bytes, str, object)  # annotations for people, not for C; ints and enums too
_ALIKE = ("PzsZO@~", "bBc?", "hH", "iIu", "lLqQ")


def read_prototype(
    prototype: "Prototype", namespace: "dict[str, Any]", script: "Script"
) -> "Signature":
    """The signature that C text or a ctypes function type stands for."""
    if not isinstance(prototype, str):
        return of_function_type(prototype)
    known = script.prototypes.get(prototype)
    if known is None:
        if script.is_stored:  # a running plugin reads no C
            raise _errors.SignatureError(
                f"the C prototype '{prototype}' was not read when the plugin was built: write it "
                "as a literal in the call, or use it once at the script's top level, and run "
                "`epy build` again"
            )
        from ._c.prototype import parse

        known = parse(prototype, namespace, script.reads_on)
        script.keep(script.prototypes, prototype, known)
    name, expression = known
    if name == "?":
        raise _errors.SignatureError(expression)
    try:
        found = evaluate(expression, namespace)
    except NameError as error:
        raise _errors.SignatureError(
            f"the C prototype '{prototype}' needs the type {error.name}: define it before"
        ) from None
    return of_function_type(found, name, " ".join(prototype.split()).rstrip("; "))


def of_annotations(function: "Callable[..., Any]") -> "Signature":
    """The signature that a function's annotations stand for."""
    plain, names, _ = parameters(function)
    if plain is None:
        raise _errors.SignatureError(
            "has no annotations: give a prototype, as in @epy.export('int f(int)')"
        )
    if plain.__code__.co_flags & VARARGS:
        raise _errors.SignatureError(
            "takes *args, but a C function has a fixed number of parameters: list them, "
            "or give a prototype"
        )
    types = [annotation(plain, name) for name in names]
    result = annotation(plain, "return")
    buffers = {index: one for index, one in enumerate(types) if isinstance(one, Buffer)}
    for index, buffer in buffers.items():
        types[index] = buffer.pointer
    signature(result, types, names)  # names the parameter that is wrong, ctypes does not
    found = of_function_type(
        ctypes.CFUNCTYPE(*(getattr(one, "_handle_type_", one) for one in (result, *types)))
    )
    for index, buffer in buffers.items():
        count_buffer(found, index, buffer, names)
    return found


def refined(ctype: "Any", function: "Callable[..., Any]") -> "Signature":
    """The signature of a header's function type, with what the annotations say instead."""
    from ._instances import is_open  # which imports this module

    plain, names, _ = parameters(function)
    annotations = plain.__annotations__
    types = [ctype._restype_, *ctype._argtypes_]
    buffers: list[tuple[int, Buffer]] = []
    for index, name in enumerate(("return", *names)[: len(types)]):
        if name not in annotations:
            continue
        given = annotation(plain, name)
        if given in _OF_PYTHON or (isinstance(given, type) and issubclass(given, int)):
            continue
        if isinstance(given, Buffer):
            buffers.append((index - 1, given))
            given = given.pointer
        label = "the result" if name == "return" else f"parameter '{name}'"
        try:
            fits = _alike(describe(given)[0], describe(types[index])[0])
        except _errors.SignatureError as error:
            raise _errors.SignatureError(f"{label} {error}") from None
        if not fits and not is_open(ctype._epy_kind_):
            from ._c.spelling import declare

            raise _errors.SignatureError(
                f"{label} is annotated `{declare(given, '')}`, but the header has "
                f"`{declare(types[index], '')}`: annotate a type of the same kind, or nothing"
            )
        types[index] = getattr(given, "_handle_type_", given)
    found = of_function_type(ctype._epy_classes_.function(ctype._epy_kind_, tuple(types)))
    for index, buffer in buffers:
        count_buffer(found, index, buffer, names)
    return found


def _alike(one: str, other: str) -> bool:
    """Whether types with these codes travel in the same way."""
    return one == other or any(one in codes and other in codes for codes in _ALIKE)


def _meant(annotation: "Any") -> "Any":
    """Of `Annotated[int, c_int]` the C type: what is not for type checkers."""
    for found in getattr(annotation, "__metadata__", ()):
        if isinstance(found, Buffer) or is_c_type(found):
            return found
    return annotation


def annotation(function: "Any", name: str) -> "Any":
    what = "the result" if name == "return" else f"parameter '{name}'"
    try:
        if name in function.__annotations__:
            annotation = function.__annotations__[name]
            while isinstance(annotation, str):  # twice: quoted under `from __future__`
                annotation = eval(annotation, function.__globals__)
            return _meant(annotation)
    except Exception as error:
        if name == "self":
            raise _errors.SignatureError(OF_A_METHOD) from None
        raise _errors.SignatureError(
            f"the annotation of {what} cannot be resolved ({error}): use a ctypes type that the "
            "script has defined before"
        ) from None
    if name == "self":
        raise _errors.SignatureError(OF_A_METHOD)
    example = "`-> c_int` (`-> None` for void)" if name == "return" else f"`{name}: c_int`"
    raise _errors.SignatureError(
        f"{what} has no annotation: write {example}, or give a prototype to the decorator"
    )
