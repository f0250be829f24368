"""Processes that `multiprocessing` starts anew (spawn, forkserver) for code of plugins.

Such a process has no host and no plugin: it unpickles a function by the name of its module, which
is private to the plugin ("synth@9c0e6a51d27f83b4"). So it is told which plugins the process has,
and finds their modules in their files. It runs the program of a Python host only when something of
it is needed: the host would start once more.

The start of such a process, in multiprocessing/spawn.py: `get_preparation_data` says what the child
does before it unpickles: it sets sys.path, then runs a main module. The way: `follow` (in the
process with the plugins) puts a line about them on that path and child_main.py in the main
module's place; `begin` (in the child) takes the line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from .. import _modules
from .._archive import read_manifest, stored_sources
from .._file.plugin import open_plugin
from .._file.sources import read_script
from .._script import Script, registry
from . import environments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from typing import Any

    from .._plugin import Running

_MARK = "epy child: "
_MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child_main.py")


# In a process with plugins


def follow(spawn: Any) -> None:
    """From now on the processes that it starts know the plugins."""
    prepare = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        data: dict[str, Any] = prepare(name)
        scripts = list(registry.by_plugin.values())
        if scripts and not _is_hosts():
            _tell(data, scripts)
        return data

    spawn.get_preparation_data = get_preparation_data


def _tell(data: dict[str, Any], scripts: list[Running]) -> None:
    packages = []
    for script in scripts:
        environment = environments.of(script.executable)
        packages += environment.find_packages() if environment else []
    main = {key: data.pop(key, None) for key in ("init_main_from_name", "init_main_from_path")}
    about = {"plugins": [[it.path, it.place, it.module] for it in scripts], "main": main}
    path = data["sys_path"]
    data["sys_path"] = [
        *path,
        *(it for it in packages if it not in path),
        _MARK + json.dumps(about),
    ]
    data["init_main_from_path"] = _MAIN


def _is_hosts() -> bool:
    """Whether a Python host's own code starts the process: no plugin's on the way, but its own."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        space = frame.f_globals
        if isinstance(getattr(space.get("__loader__"), "script", None), Script):
            return False
        if not environments.is_passed_through(space):
            return True
        frame = frame.f_back
    return False


# In the child


def begin() -> Callable[[str], Any]:
    """Let the plugins' modules be found; returns the main module's `__getattr__`."""
    (line,) = [entry for entry in sys.path if entry.startswith(_MARK)]
    sys.path.remove(line)
    about = json.loads(line.removeprefix(_MARK))
    sys.meta_path.insert(0, _Plugins(about["plugins"]))
    return _Main(**about["main"]).get


class _Plugins:
    """On sys.meta_path, first: a plugin's modules, from its file."""

    def __init__(self, plugins: list[tuple[str, str | None, str]]) -> None:
        self.plugins = {module: (path, place) for path, place, module in plugins}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        root = name.partition(".")[0]
        if root not in self.plugins:
            return None
        found: ModuleSpec | None = _find_modules(root, *self.plugins.pop(root)).find(name)
        return found


def _find_modules(root: str, path: str, place: str | None) -> Any:
    """What the plugin's script defines, where no host is: `native` is None."""
    script = Script(os.path.basename(place or path).partition(".")[0], path)
    script.module = root
    if place is not None:
        sources = read_script(place)
    else:
        image, archive = open_plugin(Path(path))
        extent = image.info().archive
        stored = image.bytes_at(extent.address, extent.size)
        sources = stored_sources(archive, lambda begin, end: bytes(stored[begin:end]))
        read_manifest(archive, script)
        script.constants.update(archive.constants)
        script.stored_headers = {text: (index, data) for text, index, data in archive.headers}
        script.is_stored = True
    return _modules.find_modules(root, script.name, path, sources, script)


class _Main:
    """The program of a Python host, run when somebody asks for something of it."""

    def __init__(self, init_main_from_name: str | None, init_main_from_path: str | None) -> None:
        self.name, self.path = init_main_from_name, init_main_from_path
        self.space: dict[str, Any] | None = None

    def get(self, name: str) -> Any:
        """`__getattr__` of the main module."""
        if self.space is None and not name.startswith("__"):
            self.space = self._run()
        if self.space is None or name not in self.space:
            raise AttributeError(f"module '__main__' has no attribute '{name}'")
        return self.space[name]

    def _run(self) -> dict[str, Any]:
        import runpy

        if self.name is not None and self.name.rpartition(".")[2] != "__main__":
            return runpy.run_module(self.name, run_name="__mp_main__", alter_sys=True)
        return runpy.run_path(self.path, run_name="__mp_main__") if self.path else {}
