"""The exceptions that the core raises where a value does not fit a header's type: loaded then."""

from __future__ import annotations

import re

from .._c.spelling import declare, declare_function
from .._errors import ArgumentError, FieldError, UnknownFieldError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def unknown_field(cls: Any, name: str) -> UnknownFieldError:
    from difflib import get_close_matches

    near = get_close_matches(name, cls._epy_types_, 1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(cls._epy_types_) or 'none'}"
    return UnknownFieldError(f"{cls.__name__} has no field {name}: {hint}")


def too_many_values(cls: Any, given: int) -> FieldError:
    return FieldError(f"{cls.__name__} has {len(cls._epy_names_)} members, {given} values given")


def given_twice(cls: Any, name: str) -> FieldError:
    return FieldError(f"{cls.__name__}.{name} is given twice")


def field_error(cls: Any, name: str, ctype: Any, value: Any, reason: Exception) -> FieldError:
    return FieldError(f"{cls.__name__}.{name} is {_misfit(ctype, name, value, reason)}")


def variable_error(ctype: Any, name: str, value: Any, reason: Exception) -> FieldError:
    """For a variable of the host."""
    return FieldError(f"{name} is {_misfit(ctype, name, value, reason)}")


def _misfit(ctype: Any, name: str, value: Any, reason: Exception) -> str:
    shown = repr(value)
    if len(shown) > 200:
        shown = shown[:200] + "..."
    why = f" ({reason})" if str(reason) else ""
    return f"`{declare(ctype, name)}`: {shown} does not fit{why}"


def item_error(cls: Any, index: Any, value: Any, reason: Exception) -> FieldError:
    """For an item of a pointer or an array, or a slice of them."""
    if isinstance(index, slice):
        index = f"{index.start or 0}:{'' if index.stop is None else index.stop}"
    return FieldError(
        f"[{index}] of `{declare(cls, '')}`: {value!r} does not fit {reason}".rstrip()
    )


def argument_error(ctype: Any, value: Any, reason: Exception) -> FieldError:
    """For a function pointer that a C function takes."""
    return FieldError(f"`{declare(ctype, '')}` is expected: {value!r} does not fit ({reason})")


def argument_misfit(function: Any, index: int, value: Any, reason: Exception) -> ArgumentError:
    """For an argument of a C function."""
    place = f"{_name(function)}: argument {index + 1} is"
    types = function._argtypes_
    if index < len(types):
        return ArgumentError(f"{place} {_misfit(types[index], '', value, reason)}")
    return ArgumentError(
        f"{place} {value!r}, which does not fit `...` ({reason}): give it a type of ctypes"
    )


def argument_count(
    function: Any, arguments: tuple[Any, ...], named: dict[str, Any] | None, _: None
) -> ArgumentError:
    if named:
        return ArgumentError(
            f"{_name(function)} got {', '.join(named)} by name: C passes arguments by position"
        )
    takes = len(function._argtypes_)
    whole = declare_function(type(function), _plain_name(function))
    declared = f": `{whole}`" if _name(function) != f"`{whole}`" else ""
    return ArgumentError(
        f"{_name(function)} takes {takes} argument{'' if takes == 1 else 's'}, "
        f"{len(arguments)} given{declared}"
    )


def argument_refused(function: Any, arguments: tuple[Any, ...], reason: Exception) -> ArgumentError:
    """For what ctypes has refused: its own text says which argument, and why."""
    found = re.match(r"argument (\d+): (?:(\w+): )?(.*)", str(reason), re.DOTALL)
    if not found:
        return ArgumentError(f"{_name(function)}: {reason}")
    index = int(found[1]) - 1
    if found[2] != "FieldError":
        return argument_misfit(function, index, arguments[index], ValueError(found[3]))
    return ArgumentError(f"{_name(function)}: argument {index + 1}: {found[3]}")


def _plain_name(function: Any) -> str:
    return getattr(function, "__name__", "") or "(*)"


def _name(function: Any) -> str:
    """Of a function of a library, or the declaration of a function pointer."""
    name = getattr(function, "__name__", None)
    return str(name) if name else f"`{declare(type(function), '')}`"
