"""The script of a plugin that is being built."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from functools import cached_property
from typing import Any

from .. import _script
from .._errors import ConstantError, StampError
from .._exports.constant import dump
from .._exports.data import unnamed_functions
from .._modules import Sources, run_modules
from .._native import Export, place
from .._parts import HeaderOptions
from .._script import Script
from .asked_names import asked_names
from .streams import kept


class Building(Script):
    """What a script defines while `epy build` imports it: described, and complete at the end."""

    building = True
    reads_on = True

    def __init__(
        self,
        name: str,
        path: str,
        options: HeaderOptions | None = None,
        stored: Sources | None = None,
    ) -> None:
        super().__init__(name, path, "building")
        self.header_options = options
        self.stored = stored  # what the plugin will run

    @cached_property
    def words(self) -> frozenset[str] | None:  # type: ignore[override]
        """All that the script may ask headers for, None if that may be anything."""
        return asked_names(self.stored) if self.stored and self.stored.members else None

    def run(self, sources: Sources) -> Any:
        """Run the script, which fills this; returns its module. What runs meanwhile is its."""
        outer, _script.registry.building = _script.registry.building, self
        try:
            with kept():
                return run_modules(self, sources)
        finally:
            _script.registry.building = outer

    def describe(self, declare: Callable[[], str]) -> str:
        return declare()

    def place_data(self, export: Export) -> None:
        export.functions = unnamed_functions(self, export.value)

    def constant(self, name: str, function: Callable[[], Any]) -> Any:
        if name in self.constants:
            raise ConstantError(f"{place(function)} is a constant already: use another name")
        self.constants[name] = dump(function)
        return marshal.loads(self.constants[name])

    def check_complete(self) -> None:
        """After the script ran: StampError if data got a function pointer too late."""
        known: list[Any] = []
        for export in self.exports.values():
            if export.kind == "data":
                if unnamed_functions(self, export.value, known) != export.functions:
                    raise StampError(
                        f"data '{export.name}': a function pointer was set after epy.export_data: "
                        "set it before"
                    )
                known.append(export.value)
