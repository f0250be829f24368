"""A value for data that a header declares."""

from __future__ import annotations

from .._core import instance
from .._errors import HeaderNameError, SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._header import Header


def declared(header: Header, name: str, value: Any) -> Any:
    """A ctypes object of the type that the header has for a variable, for `Header.export_data`."""
    found = header._find(name, "variable", "use epy.export_data, which needs no declaration")
    word, declared_type, *_ = found
    if word != "v":
        raise HeaderNameError(f"{header._name}: {name} is no variable")
    kind = header._classes.resolved(declared_type)
    match kind:
        case ("[", element, 0):
            length = len(value) + isinstance(value, (str, bytes))
            kind = ("[", element, length)
    ctype = header._classes.make(kind)
    try:
        return instance(ctype, value)
    except (TypeError, ValueError, OverflowError) as reason:
        from .._c.spelling import declare

        raise SignatureError(
            f"{header._name}: `{declare(ctype, name)}`: {value!r} does not fit {reason}".rstrip()
        ) from None
