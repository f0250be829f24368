"""Python functions where a header has a variadic function pointer: loaded where there is one.

C passes the values for `...` without a word of how many there are and of which types they are. A
function with `*values` gets those that a printf format names; any other gets the named arguments
alone, and its author is told so.
"""

from __future__ import annotations

from .._native import VARARGS, parameters, place
from .._report import write
from .._script import find_script
from .._types import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_noted: set[str] = set()  # while a plugin is built


def opened(
    function: Any, codes: str, classes: tuple[Any, ...], ctype: Any
) -> tuple[Any, str, tuple[Any, ...]]:
    """What is called, with which signature, for a function of this type with `...`.

    Tells once at build what does not reach it.
    """
    plain = parameters(function)[0]
    if plain is not None and plain.__code__.co_flags & VARARGS:
        from .printf import hidden, places, with_values

        named = split(codes)[1:]
        left = places(named)
        more = hidden(left)
        called = with_values(function, len(named), left)
        return called, codes + more, (*classes, *(None,) * len(more))
    _tell(function, ctype)
    return function, codes, classes


def _tell(function: Any, ctype: Any) -> None:
    from .._c.spelling import declare

    declared = f"`{declare(ctype, '')}`"
    count = len(ctype._argtypes_)
    script = find_script()
    if script is None or not script.building or place(function) in _noted:
        return
    _noted.add(place(function))
    write(
        f"epy: {place(function)} is called as {declared}: it gets the {count} named arguments; the "
        "values that C passes for `...` do not reach Python, so a format text keeps its %; give "
        "it *values if the last named argument is a printf format\n"
    )
