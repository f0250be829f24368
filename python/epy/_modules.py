"""A script's modules: read from disk, found in memory, run under a private name.

Every plugin's modules live below a name of their own in sys.modules ("synth@1", "synth@1.util"), so
that modules of the same name do not meet. Inside a package its public name stands for it.
"""

from __future__ import annotations

import builtins
import marshal
import os
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER

from ._errors import ScriptError
from ._script import Script, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType, ModuleType
    from typing import Any

    Members = dict[str, tuple[str, bytes]]
    Compiled = Mapping[str, bytes]

MAGIC = MAGIC_NUMBER.hex()
"""Of this Python's bytecode."""
NOTHING: Compiled = {}
_count = 0


class _Loader:
    """Loads the modules of one script from memory."""

    def __init__(
        self, script: Script, root: str, members: Members, package: bool, code: Compiled
    ) -> None:
        self.script = script
        self.root = root
        self.members = members
        self.code = code
        self.public = script.name if package else None

    def find(self, fullname: str) -> ModuleSpec | None:
        key = fullname[len(self.root) + 1 :]
        is_package = any(name.startswith(key + ".") for name in self.members)
        if key in self.members:
            filename = self.members[key][0]
            is_package = self.public is not None and filename.endswith("/__init__.py")
            loader: Any = self  # typeshed wants more of a loader than Python does
            spec = ModuleSpec(fullname, loader, origin=filename, is_package=is_package)
            spec.has_location = True
            return spec
        # A folder without __init__.py is a namespace package.
        return ModuleSpec(fullname, None, is_package=True) if is_package else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if self.public is not None:
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self.import_}
        exec(self.get_code(module.__name__), module.__dict__)

    def import_(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """`__import__` of a package's modules: there its public name is the private one."""
        if level == 0 and name.partition(".")[0] == self.public:
            name = self.root + name[len(self.public) :]
        return builtins.__import__(name, globals, locals, fromlist or (), level)

    def get_code(self, fullname: str) -> CodeType:
        key = fullname[len(self.root) + 1 :]
        if key in self.code:
            stored: CodeType = marshal.loads(self.code[key])
            return stored
        filename, source = self.members[key]
        code: CodeType = compile(source, filename, "exec", dont_inherit=True)
        return code

    def get_source(self, fullname: str) -> str:
        """For tracebacks."""
        from _frozen_importlib_external import decode_source

        return decode_source(self.members[fullname[len(self.root) + 1 :]][1])

    def stored_lines(self, fullname: str) -> list[str]:
        return self.get_source(fullname).splitlines(keepends=True)

    def is_package(self, fullname: str) -> bool:
        spec = self.find(fullname)
        return spec is not None and spec.submodule_search_locations is not None


class _Finder:
    """On sys.meta_path: finds the modules of every script."""

    def __init__(self) -> None:
        self.loaders: dict[str, _Loader] = {}

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        loader = self.loaders.get(fullname.partition(".")[0])
        return loader.find(fullname) if loader else None


_finder = _Finder()


def run_modules(
    script: Script, members: Members, package: bool, code: Compiled = NOTHING
) -> ModuleType:
    """Run a script under a private name; returns its module.

    `members` are as `read_members` gives, `code` what `compile_members` made of some of them.
    The script is filled by its decorators, then by the module's EPY_EXPORT_LIST. If it raises,
    nothing of it stays in sys.modules, and the exception passes.
    """
    global _count
    _count += 1
    root = f"{script.name.replace('.', '_')}@{_count}"
    script.module = root
    _finder.loaders[root] = _Loader(script, root, members, package, code)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    outer = registry.building
    if script.building:
        registry.building = script
    try:
        module = _import(root)
        listed = getattr(module, "EPY_EXPORT_LIST", ())
        if listed:
            from ._export import export_list

            export_list(listed)
    except BaseException:
        drop_modules(root)
        raise
    finally:
        registry.building = outer
    return module


def drop_modules(root: str) -> None:
    """Forget a script's modules; code of them that still runs is not disturbed."""
    _finder.loaders.pop(root, None)
    for name in [name for name in sys.modules if name == root or name.startswith(root + ".")]:
        del sys.modules[name]


def _import(name: str) -> ModuleType:
    builtins.__import__(name)
    return sys.modules[name]


def compile_members(members: Members) -> dict[str, bytes]:
    """The modules as marshalled code. Starting the compiler takes longer than most scripts run."""
    return {
        name: marshal.dumps(compile(source, filename, "exec", dont_inherit=True))
        for name, (filename, source) in members.items()
    }


def read_members(path: str) -> tuple[Members, bool]:
    """The modules of a script on disk, and whether it is a package.

    They are (file name, source) by dotted name below the script; "" is the script itself. Raises
    ScriptError if there is none.
    """
    package = os.path.isdir(path)
    if package and not os.path.exists(os.path.join(path, "__init__.py")):
        raise ScriptError(f"{path}: a folder without __init__.py is no package: add one")
    try:
        members = dict(sorted(_walk(path, ""))) if package else {"": (path, _read(path))}
    except OSError as error:
        remedy = "give a script" if error.filename == path else "mend it, or take it away"
        raise ScriptError(
            f"{error.filename}: cannot be read ({error.strerror}): {remedy}"
        ) from None
    return members, package


def _walk(folder: str, prefix: str) -> list[tuple[str, tuple[str, bytes]]]:
    found = []
    for entry in os.scandir(folder):
        stem, extension = os.path.splitext(entry.name)
        if entry.is_dir():
            if stem.isidentifier() and stem != "__pycache__":
                found += _walk(entry.path, f"{prefix}{entry.name}.")
        elif extension == ".py" and stem == "__init__":
            found.append((prefix[:-1], (entry.path, _read(entry.path))))
        elif extension == ".py":
            found.append((prefix + stem, (entry.path, _read(entry.path))))
    return found


def _read(path: str) -> bytes:
    from ._files import read_file  # a plugin that holds its script needs none

    return read_file(path)
