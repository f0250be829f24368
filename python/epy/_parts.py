"""What a script consists of beside its functions: most starts need none of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._native import Export


class DataEntry:
    """Exported data as the plugin's file holds it."""

    __slots__ = ("address", "layout", "size", "slots")

    def __init__(self, address: int, size: int, layout: str, slots: tuple[int, ...]) -> None:
        self.address = address  # relative to the plugin's load address
        self.size = size
        self.layout = layout
        self.slots = slots  # of the value's function pointers that are no exports, in their order


class HeaderOptions:
    """What the command line of `epy build` says about headers."""

    __slots__ = ("flags", "packages")

    def __init__(
        self, flags: tuple[tuple[str, str], ...] = (), packages: tuple[str, ...] = ()
    ) -> None:
        self.flags = flags  # a compiler's, each with its value
        self.packages = packages  # that pkg-config knows


class Staged:
    """What takes effect when a script has run again: until then the old code serves."""

    __slots__ = ("exports", "names", "slots")

    def __init__(self, exports: dict[str, Export]) -> None:
        self.exports = exports  # of the run before
        self.names: list[Callable[[], object]] = []  # that appear
        self.slots: list[tuple[int, Any]] = []  # that lead elsewhere, and where
