"""Values that are computed when a plugin is built, and stored in it."""

from __future__ import annotations

import marshal
from types import CodeType

from .._errors import ConstantError, wrong_argument
from .._native import place
from .._script import find_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

_FORMAT = 4  # of marshal: every Python since 3.4 reads it


def constant(function: Callable[[], T]) -> T:
    """Decorator: the name stands for what `function()` returned when the plugin was built::

        @epy.constant
        def TABLE():
            return compute_for_minutes()

        TABLE[3]

    `epy build` calls the function and stores the value; a running plugin reads it, each load
    afresh, and never runs the function. That is for what takes long, or needs files or modules
    that only the machine of the build has. Where nothing is stored (a plugin built with --editable,
    a bare stub, a script that `python` runs) the function is called where it stands.

    The value may be None, a bool, an int, float, complex, str or bytes, and tuples, lists, dicts,
    sets and frozensets of these: what `marshal` stores. Other buffers come back as bytes. Raises
    ConstantError, while the plugin is built, for any other value and for two constants of one name
    in a module. What the function raises is a failure of the script.
    """
    if not callable(function):
        raise wrong_argument("constant", "function", function, "a function without parameters")
    script = find_script()
    if not script.module:
        return function()
    module = function.__module__[len(script.module) + 1 :]  # "" is the script itself
    name = f"{module}:{function.__qualname__}" if module else function.__qualname__
    result: T = script.constant(name, function)
    return result


def dump(function: Callable[[], Any]) -> bytes:
    """What a function returns, for a plugin to store."""
    value: Any = function()
    try:
        if _has_code(value):
            raise ValueError
        return marshal.dumps(value, _FORMAT)
    except (ValueError, RecursionError):
        raise ConstantError(
            f"{place(function)} returned a {type(value).__name__} that cannot be stored: return "
            "None, numbers, str, bytes, and tuples, lists, dicts and sets of them"
        ) from None


def _has_code(value: object) -> bool:
    """Whether a value has code objects, which are of one version of Python."""
    if isinstance(value, dict):
        return _has_code((*value, *value.values()))
    if isinstance(value, (tuple, list, set, frozenset)):
        return any(map(_has_code, value))
    return isinstance(value, CodeType)
