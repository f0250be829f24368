"""Callables that are no plain functions: bound methods, partials, objects with `__call__`, and what
decorators wrapped: loaded when a script hands one out."""

from __future__ import annotations

from functools import partial

from .._errors import SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def look_through(function: Any, wrapped: bool) -> tuple[Any, tuple[str, ...], int]:
    """As `_native.parameters`, which has the simple case."""
    given, named = 0, set[str]()
    met: list[Any] = []
    while True:
        if any(one is function for one in met):
            raise SignatureError(
                "wraps itself: let its __wrapped__ be the function that a decorator was given"
            )
        met.append(function)
        if wrapped and hasattr(function, "__wrapped__"):
            given += _is_bound(function)
            function = function.__wrapped__
        elif _is_bound(function):
            given += 1
            function = function.__func__
        elif isinstance(function, partial):
            given += len(function.args)
            named.update(function.keywords)
            function = function.func
        elif hasattr(function, "__code__"):
            return _parameters(function, given, named)
        elif isinstance(function, type) or not _is_python(type(function).__call__):
            return None, (), 0
        else:
            given += 1
            function = type(function).__call__


def _is_bound(function: Any) -> bool:
    return hasattr(function, "__self__") and hasattr(function, "__func__")


def _is_python(method: Any) -> bool:
    return hasattr(method, "__code__") or hasattr(method, "__wrapped__")


def _parameters(function: Any, given: int, named: set[str]) -> tuple[Any, tuple[str, ...], int]:
    code = function.__code__
    names: tuple[str, ...] = code.co_varnames[given : code.co_argcount]
    least = max(len(names) - len(function.__defaults__ or ()), 0)
    for index, name in enumerate(names):
        if name in named:  # it, and what follows it, cannot be passed by position any more
            for later in names[index:least]:
                if later not in named:
                    raise SignatureError(
                        f"has the parameter '{later}' behind '{name}', which a partial gives by "
                        "name, and C passes arguments by position: give it by name too"
                    )
            names = names[:index]
            break
    missing = set(code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount])
    missing -= {*named, *(function.__kwdefaults__ or {})}
    if missing:
        raise SignatureError(
            f"has the keyword-only parameter '{min(missing)}', which C cannot pass: "
            "make it positional or give it a default"
        )
    return function, names, min(least, len(names))
