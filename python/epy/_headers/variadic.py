"""Python functions where C has `...`: loaded where there is one.

C passes the values for `...` without a word of how many there are and of which types they are. A
function with `*values` gets those that a printf format names, one with a parameter more than C
names an `epy.VaList`; any other gets the named arguments alone, and its author is told so.

The callback has a parameter for each register that the named arguments leave, and one for where
the stack goes on.
"""

from __future__ import annotations

from .._errors import SignatureError
from .._native import VARARGS, check_parameters, parameters, place
from .._report import WARNING, write
from .._script import find_script
from .._types import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_noted: set[str] = set()  # while a plugin is built
_INTEGERS = "?cbBhHiIlLqQPzsZuO@~"  # codes of what travels in integer registers
_REALS = "fd"
_ON_STACK = "g"
_REGISTERS = 6, 8


def variadic_type(ctype: Any) -> Any:
    """The function type with `...` behind its parameters."""
    found = vars(ctype).get("_epy_variadic_type_")  # lives as long as the type
    if found is None:
        body = {key: getattr(ctype, key) for key in ("_flags_", "_restype_", "_argtypes_")}
        found = type(ctype)("Variadic", (ctype,), {**body, "_epy_variadic_": True})
        ctype._epy_variadic_type_ = found
    return found


def opened(
    function: Any, codes: str, classes: tuple[Any, ...], ctype: Any
) -> tuple[Any, str, tuple[Any, ...]]:
    """What is called, with which signature, for a function of this type with `...`.

    Tells once at build what does not reach it. SignatureError if the function does not fit.
    """
    result, *named = split(codes)
    plain, names, least = parameters(function)
    is_by_format = plain is not None and plain.__code__.co_flags & VARARGS
    is_by_type = plain is not None and least == len(names) == len(named) + 1
    check_parameters(function, len(named) + bool(is_by_type and not is_by_format))
    if not is_by_format and not is_by_type:
        _tell(function, ctype)
        return function, codes, classes
    left = _left(result, named)
    if is_by_format and named[-1] not in "zs":
        raise SignatureError(
            "takes *values, which are found by a printf format: a text, as the last named "
            "argument; with a single parameter in its place it gets an epy.VaList"
        )
    more = "Q" * left[0] + "d" * left[1] + "."
    call = _with_values(function, len(named), left[0], by_format=bool(is_by_format))
    call.__name__ = getattr(function, "__name__", "call")
    return call, codes + more, (*classes, *(None,) * len(more))


def _left(result: str, named: list[str]) -> tuple[int, int]:
    """How many registers of each kind the named arguments leave."""
    if result[0] == "{" or any(code not in _INTEGERS + _REALS + _ON_STACK for code in named):
        raise SignatureError(
            "is to take the values behind `...`, but with structs and complex numbers by value "
            "among the named ones and as the result epy cannot find them: use pointers to those"
        )
    used = [sum(code in kind for code in named) for kind in (_INTEGERS, _REALS)]
    return max(_REGISTERS[0] - used[0], 0), max(_REGISTERS[1] - used[1], 0)


def _with_values(
    function: Callable[..., Any], count: int, words: int, by_format: bool
) -> Callable[..., Any]:
    """The function with `count` named arguments that is called with all registers."""
    from .._host.va_list import VaList, values_of

    def call(*arguments: Any) -> Any:
        named = arguments[:count]
        values = VaList.of_registers(
            arguments[count : count + words], arguments[count + words : -1], arguments[-1]
        )
        if not by_format:
            return function(*named, values)
        text = named[-1] or b""
        template = text.encode() if isinstance(text, str) else text
        return function(*named, *values_of(template, values))

    return call


def _tell(function: Any, ctype: Any) -> None:
    from .._c.spelling import declare

    declared = f"`{declare(ctype, '')}`"
    count = len(ctype._argtypes_)
    if not find_script().building or place(function) in _noted:
        return
    _noted.add(place(function))
    write(
        f"epy: {place(function)} is called as {declared}: it gets the {count} named arguments; the "
        "values that C passes for `...` do not reach Python, so a format text keeps its %; give "
        "it *values if the last named argument is a printf format",
        level=WARNING,
    )
