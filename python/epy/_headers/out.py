"""`epy.out`: what a function of the host writes through a pointer, as a result of the call."""

from __future__ import annotations

import ctypes
import re
from _ctypes import Array, CFuncPtr, Structure, Union, _Pointer, _SimpleCData

from .._c.spelling import declare
from .._c.terms import CONST
from .._errors import ArgumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Out:
    """The class of `epy.out`, which stands for an argument that a function of the host writes.

    ``status, length = host.tcl_get_length(object, epy.out)``: where the header has a pointer to a
    type, the call makes a zeroed value of it and returns what C has written, behind the function's
    result, or in its place if that is void: a Python value, a struct, a pointer. `epy.out[8]` makes
    an array of eight and gives their list; of `char *` and `wchar_t *`, a buffer, the text in it up
    to its NUL, as bytes and str. ArgumentError where the header has no pointer, one to const, or
    `void *`: pass memory of your own there, and where C reads what it replaces: ``size =
    c_size_t(8)``, then ``size.value``. For functions of `epy.header`, and the function
    pointers of its structs.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = count

    def __getitem__(self, count: int) -> Out:
        if not isinstance(count, int) or count < 1:
            raise ArgumentError(f"epy.out[{count!r}]: give the number of items that C may write")
        return Out(count)

    def __repr__(self) -> str:
        return "epy.out" if self.count is None else f"epy.out[{self.count}]"


out = Out()


def call_with_out(function: Any, arguments: tuple[Any, ...]) -> Any:
    """Call a function of a header of which some arguments are `out`: for the core."""
    given = list(arguments)
    written = []
    for index, value in enumerate(arguments):
        if isinstance(value, Out):
            given[index] = memory = _memory(function, index, value)
            written.append((memory, value.count))
    result = function(*given)
    found = [_value(memory, count) for memory, count in written]
    if function.restype is None:
        return found[0] if len(found) == 1 else tuple(found)
    return (result, *found)


def _memory(function: Any, index: int, wanted: Out) -> Any:
    """What C writes to: a buffer, an array, or a pointer to a value."""
    name = getattr(function, "__name__", "") or "the function pointer"
    place = f"{name}: argument {index + 1} is"
    if index >= len(function.argtypes):
        raise ArgumentError(f"{place} one of `...`, whose type C does not say: no {wanted!r}")
    kind = function.argtypes[index]
    shown = f"`{declare(kind, '')}`"
    if _is_to_const(function, index):
        raise ArgumentError(f"{place} a pointer to const, {shown}: C reads it, no {wanted!r}")
    code = getattr(kind, "_type_", None) if issubclass(kind, _SimpleCData) else None
    if code in ("z", "Z"):
        if wanted.count is None:
            raise ArgumentError(f"{place} {shown}: epy.out[SIZE] gives it a buffer of that size")
        letter = ctypes.c_char if code == "z" else ctypes.c_wchar
        return (letter * wanted.count)()
    if code == "P":
        raise ArgumentError(f"{place} {shown}, which says no type: pass memory, as in a bytearray")
    if not issubclass(kind, _Pointer) or issubclass(kind, CFuncPtr):
        raise ArgumentError(f"{place} {shown}, no pointer to what C writes: no {wanted!r}")
    function_type = type(function)
    classes = function_type._epy_classes_
    _, _, parameters, _ = function_type._epy_kind_
    _, target, *_ = classes.resolved(parameters[index])
    try:
        item = classes.make(target)
        return kind(item()) if wanted.count is None else (item * wanted.count)()
    except (TypeError, AttributeError, ValueError) as reason:
        raise ArgumentError(f"{place} {shown}, of which none can be made ({reason})") from None


def _is_to_const(function: Any, index: int) -> bool:
    """Whether the header says that C only reads there; of function pointers it does not know."""
    found = type(function)._epy_classes_.find(CONST) or ("c", "")
    bits = re.search(rf"\b{re.escape(getattr(function, '__name__', '?'))}:(\d+)", found[1])
    return bits is not None and bool(int(bits[1]) >> index & 1)


def _value(memory: Any, count: int | None) -> Any:
    if count is None:
        made = memory.contents
        return made if isinstance(made, (Structure, Union, Array)) else memory[0]
    if isinstance(memory, Array) and memory._type_ in (ctypes.c_char, ctypes.c_wchar):
        return memory.value
    return memory[:]
