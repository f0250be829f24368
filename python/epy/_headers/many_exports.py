"""`host.export_all`, `host.export_missing`: many entry points at once, mostly fixed results."""

from __future__ import annotations

from fnmatch import fnmatchcase

from .._errors import HeaderNameError, SignatureError
from .._script import find_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .._header import Header


def export_all(header: Header, functions: dict[str, Any]) -> dict[str, Any]:
    """See `Header.export_all`."""
    return {name: _export(header, name, given) for name, given in functions.items()}


def export_missing(header: Header, patterns: tuple[str, ...], error: Any) -> dict[str, Any]:
    """See `Header.export_missing`."""
    made: dict[str, Any] = {}
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise SignatureError(
                f"{header._name}: export_all({pattern!r}): give a pattern of names; what has a "
                "name goes behind it, export_all(init=start)"
            )
        names = list(_matching(header, pattern))
        if not names:
            raise HeaderNameError(f"{header._name} declares no function that matches {pattern!r}")
        for name in names:
            if name not in made:
                made[name] = _exported(header, name) or _constant(header, name, error)
    return made


def _matching(header: Header, pattern: str) -> Iterator[str]:
    for name in header._all_names():
        if fnmatchcase(name, pattern):
            word, *_ = header._declarations.find(name)
            if word == "f":
                yield name


def _exported(header: Header, name: str) -> Any:
    """What the script exports under this name already."""
    symbol = header._symbol(name)
    export = find_script().exports.get(symbol)
    return export.keep[0] if export and export.keep else header._exported.get(symbol)


def _export(header: Header, name: str, given: Any) -> Any:
    if callable(given):
        return header.export(name=header._symbol(name), like=name)(given)
    return _constant(header, name, given)


def _constant(header: Header, name: str, value: Any) -> Any:
    """A function that returns the value, whatever it is called with."""
    kind, symbol = header._declared(name, None)
    _, result, parameters, _ = kind
    kind = ("(", result, parameters, False)  # what follows those with a name is not looked at
    resolved = header._classes.resolved(result)
    if resolved is None:
        value = None
    value = header._error_value(value, result)
    is_number = isinstance(value, int) and value != 0
    try:
        if is_number and isinstance(resolved, tuple) and resolved[0] == "*":
            raise SignatureError
        return header._export(_returning(value), kind, symbol, value)
    except SignatureError:
        from .._c.spelling import declare_function

        declared = declare_function(header._function_class(name, kind), name)
        raise SignatureError(f"{value!r} does not fit the result of `{declared}`") from None


def _returning(value: Any) -> Callable[..., Any]:
    return lambda *_: value
