"""Python functions where a header has a variadic function pointer: loaded where there is one.

C passes the values for `...` without a word of how many there are and of which types they are. So
Python gets the named arguments alone, and its author is told so.
"""

from __future__ import annotations

from ._errors import SignatureError
from ._native import VARARGS, place, unwrap
from ._report import write
from ._script import find_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_noted: set[str] = set()  # while a plugin is built


def check(function: Any, ctype: Any) -> None:
    """Refuse `*values`, which would always be empty; tell once at build what else is lost."""
    from ._spelling import declare

    code = getattr(unwrap(function), "__code__", None)
    declared = f"`{declare(ctype, '')}`"
    count = len(ctype._argtypes_)
    if code is not None and code.co_flags & VARARGS:
        name = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        raise SignatureError(
            f"takes *{name}, but of {declared} only the {count} named arguments reach Python, not "
            f"the values for `...`: name {count} parameters"
        )
    script = find_script()
    if script is None or not script.building or place(function) in _noted:
        return
    _noted.add(place(function))
    write(
        f"epy: {place(function)} is called as {declared}: it gets the {count} named arguments; the "
        "values that C passes for `...` do not reach Python, so a format text keeps its %\n"
    )
