"""`host.struct` and `host.enum`: what a header declares, by tags."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._core import Classes
    from .._header import Header


class Tags:
    """`host.struct`: structs, unions and enums by their tags."""

    def __init__(self, header: Header, classes: Classes) -> None:
        self._header = header
        self._classes = classes

    def __getattr__(self, name: str) -> Any:
        for kind in ("struct", "union", "enum"):
            if self._header._declarations.find(f"{kind} {name}") is not None:
                return self._classes.named((kind, name))
        raise self._header._unknown(name, "struct, union or enum")


class Enums:
    """`host.enum`: enums as IntEnum, by their tags or typedefs."""

    def __init__(self, header: Header, classes: Classes) -> None:
        self._header = header
        self._classes = classes

    def __getattr__(self, name: str) -> Any:
        find = self._header._declarations.find
        kind: Any = ("enum", name)
        if find(f"enum {name}") is None and find(name) is not None:
            kind = self._classes.resolved(("t", name))
        match kind:
            case ("enum", key) if find(f"enum {key}") is not None:
                made = self.__dict__[name] = self._classes.members(key).enumeration
                return made
        raise self._header._unknown(name, "enum")
