"""The script of code that no plugin's script has: where `python` itself runs, tests too.

What decorators and headers make there works, exports nothing, and is kept by whoever has it.
"""

from __future__ import annotations

from .._script import Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Nowhere(Script):
    """Keeps nothing, so that it can run any number of scripts, one after the other."""

    compiles = False
    reads_on = True

    def __init__(self) -> None:
        super().__init__("", "", "unloaded")
        self.importing = False

    def keep(self, known: dict[Any, Any], key: Any, value: Any) -> None:
        pass

    def add(self, known: list[Any], value: Any) -> None:
        pass

    def check_new(self, name: object, version: object = None) -> None:
        pass


NOWHERE = Nowhere()
