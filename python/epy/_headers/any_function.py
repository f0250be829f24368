"""Function types that name no parameters, `()`: in C they stand for any function.

Then a Python function says itself what it takes: by annotations, else each parameter that it needs
is an int as wide as a pointer, which is right for pointers and for integers that are not negative.
"""

from __future__ import annotations

from ctypes import c_long

from .._native import parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def opened(ctype: Any, function: Any) -> Any:
    """The class of pointers to functions with as many parameters as this one needs."""
    words = (c_long,) * needed(function)
    if not words:
        return ctype
    return ctype._epy_classes_.function(ctype._epy_kind_, (ctype._restype_, *words))


def needed(function: Any) -> int:
    """How many arguments a Python function must get; 0 for what is not written in Python."""
    return parameters(function)[2]
