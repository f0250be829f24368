"""Whether a C prototype in a script says what the header says of the same name."""

from __future__ import annotations

from .._errors import SignatureError
from .._instances import is_open

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._header import Header


def check_same(header: Header, text: str, name: str, given: Any, declared: Any) -> None:
    """SignatureError if the types differ; `()` in the header fits all parameters."""
    ours, theirs = (_plain(header, it) for it in (given, declared))
    if is_open(theirs):
        (_, ours, *_), (_, theirs, *_) = ours, theirs
    if ours != theirs:
        from .._c.spelling import declare_function

        spelt = declare_function(header._classes.make(("*", _plain(header, declared))), name)
        raise SignatureError(
            f"the C prototype '{text}' differs from {header._name}, which has '{spelt}': "
            "use the header's"
        )


def _plain(header: Header, kind: Any) -> Any:
    """A type without typedefs, to compare."""
    kind = header._classes.resolved(kind)
    if not isinstance(kind, tuple):
        return kind
    return tuple(
        tuple(_plain(header, it) for it in part)
        if index == 2 and kind[0] == "("
        else _plain(header, part)
        if isinstance(part, tuple)
        else part
        for index, part in enumerate(kind)
    )
