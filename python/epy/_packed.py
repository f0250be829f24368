"""epy's own modules where there is no folder of epy's: a plugin has brought them along.

The core runs this file by itself, before there is a package epy: it imports nothing of it.
"""

import __future__  # noqa: F401  # what its modules take later, when the host's root may have changed

import marshal
import os  # noqa: F401
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType

FOLDER = "<epy>"
"""What stands for the folder in the file names of its modules."""


class Finder:
    """On sys.meta_path: the package and what is below it, from bytes by name."""

    def __init__(
        self,
        modules: "dict[str, bytes]",
        compiled: bool,
        make_core: "Callable[[ModuleSpec], ModuleType]",
    ) -> None:
        self.modules = modules
        self.compiled = compiled
        self.make_core = make_core

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> "ModuleSpec | None":
        first, _, key = fullname.partition(".")
        if first != "epy":
            return None
        if key == "_core":
            return ModuleSpec(fullname, self)  # type: ignore[arg-type]
        is_package = self._is_package(key)
        if not is_package and key not in self.modules:
            return None
        file = "/".join([FOLDER, *key.split(".")]) if key else FOLDER
        spec = ModuleSpec(
            fullname,
            self,  # type: ignore[arg-type]
            origin=f"{file}/__init__.py" if is_package else f"{file}.py",
            is_package=is_package,
        )
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> "ModuleType | None":
        return self.make_core(spec) if spec.name == "epy._core" else None

    def exec_module(self, module: "ModuleType") -> None:
        if module.__name__ == "epy._core":
            from _imp import exec_dynamic

            exec_dynamic(module)
        else:
            exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, fullname: str) -> "CodeType":
        key = fullname.partition(".")[2]
        stored = self.modules[f"{key}.__init__".lstrip(".") if self._is_package(key) else key]
        if self.compiled:
            code: CodeType = marshal.loads(stored)
            return code
        spec = self.find_spec(fullname)
        assert spec is not None and spec.origin is not None
        return compile(stored, spec.origin, "exec", dont_inherit=True)

    def get_source(self, fullname: str) -> None:
        return None  # tracebacks leave epy's own frames out

    def _is_package(self, key: str) -> bool:
        return f"{key}.__init__".lstrip(".") in self.modules


def install(
    modules: "dict[str, bytes]",
    compiled: bool,
    make_core: "Callable[[ModuleSpec], ModuleType]",
) -> None:
    """`import epy` gives these modules from now on, marshalled code if `compiled`, else sources."""
    sys.meta_path.insert(0, Finder(modules, compiled, make_core))
