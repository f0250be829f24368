"""Where plugins' modules are found: each plugin looks into its own virtual environment.

epy starts the base Python of an environment, and a host's is as it is: neither knows a plugin's
environment. So a finder looks who imports. The nearest module on the way to the import that is
neither Python's nor epy's own decides: for a plugin's, and for what lies in an environment, come
the standard library, the packages of that environment, and then all that Python finds without. For
a host's modules there is nothing but Python's own path.

A process has one module of a name. Of two versions of a package, in two environments, the one that
is imported first is everybody's; a plugin that gets another one than its own says so in one line.
"""

from __future__ import annotations

import os
import sys
import time
from _frozen_importlib_external import PathFinder
from _thread import RLock

from .. import _core
from .._modules import outside_import_lock
from .._report import write
from .._script import Script, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.machinery import ModuleSpec
    from typing import Any

_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_STANDARD = os.path.dirname(os.__file__)
_PACKAGES = (f"{_STANDARD}/site-packages/", f"{_STANDARD}/dist-packages/")
_lock = RLock()


class Environment:
    """A virtual environment (or, with `is_base`, the Python that epy has started) for plugins."""

    def __init__(self, folder: str, is_base: bool) -> None:
        self.folder = folder
        self.is_base = is_base
        self.packages: list[str] | None = None  # once they are looked for
        self.is_busy = False

    def holds(self, file: str) -> bool:
        return not self.is_base and file.startswith(self.folder + "/")

    def find_packages(self) -> list[str]:
        """Its folders of packages, and those that their .pth files name; UntrustedFileError."""
        if self.packages is None:
            outside_import_lock(self._find_packages_once)
        return self.packages or []

    def _find_packages_once(self) -> None:
        # Other threads wait; not for ever, because a .pth file may import what they are importing.
        taken = _lock.acquire(timeout=5)
        try:
            if not taken:
                write(
                    f"epy: {self.folder}: has been waiting for 5 s for another thread, which runs "
                    "its .pth files; an import goes on without its packages"
                )
            if self.packages is None and not self.is_busy:
                self.is_busy = True
                try:
                    self.packages = self._find_packages()
                finally:
                    self.is_busy = False
        finally:
            if taken:
                _lock.release()

    def _find_packages(self) -> list[str]:
        site = _site()
        folders = []
        if not self.is_base:
            folders.append(f"{self.folder}/lib/{_VERSION}/site-packages")
        if self.is_base or self._includes_system():
            folders += site.getsitepackages(_base_prefixes())
        known, before = {*sys.path}, [*sys.path]
        for folder in folders:
            if os.path.isdir(folder):
                site.addsitedir(folder, known)
        added = [entry for entry in sys.path if entry not in before]
        found = [folder for folder in folders if os.path.isdir(folder) and folder not in added]
        if not _is_plugins_own():
            sys.path[:] = [entry for entry in sys.path if entry in before]
        if _core.has_raised_privileges():
            for entry in filter(os.path.exists, added):
                _core.check_trusted(entry)
        return [*found, *added]

    def _includes_system(self) -> bool:
        with open(f"{self.folder}/pyvenv.cfg", encoding="utf-8") as file:
            words = [line.lower().replace(" ", "").strip() for line in file]
        return "include-system-site-packages=true" in words


def _site() -> Any:
    """The module. A host's thread may be in the midst of importing it, which runs .pth files.

    They may wait for an import lock that this thread has, so it must not wait for them; but for the
    functions of the module, which are there before.
    """
    site: Any = sys.modules.get("site") or __import__("site")
    end = time.monotonic() + 5
    while not hasattr(site, "main") and time.monotonic() < end:
        time.sleep(0.001)
    return site


_known: dict[str, Environment | None] = {}


def of(executable: str) -> Environment | None:
    """That of a plugin that was built for this Python. None: it has what Python itself finds."""
    if executable not in _known:
        folder = os.path.dirname(os.path.dirname(executable))
        has_packages = os.path.isdir(f"{folder}/lib/{_VERSION}/site-packages")
        if os.path.exists(f"{folder}/pyvenv.cfg"):
            _known[executable] = Environment(folder, False) if has_packages else None
        else:
            _known[executable] = Environment("", True) if _started() else None
    return _known[executable]


def leave_path() -> list[str]:
    """The host takes Python over: these entries of sys.path are not its own."""
    install()
    return [entry for one in list(_known.values()) if one for entry in one.packages or ()]


def install() -> None:
    """From now on who imports decides."""
    if finder not in sys.meta_path:
        index = [*sys.meta_path, PathFinder].index(PathFinder)
        sys.meta_path.insert(index, finder)


def look_at(script: Script, name: str) -> None:
    """A line if a package that a plugin imports is another one than that of its environment."""
    own = of(script.executable)
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    if own is None or own.is_base or own.holds(file) or (script.path, name) in _looked_at:
        return
    other = next((one for one in list(_known.values()) if one and one.holds(file)), None)
    if other is not None and PathFinder.find_spec(name, own.find_packages()):
        _looked_at.add((script.path, name))
        write(
            f"epy: {script.path}: the package {name} that it imports is that of {other.folder}, "
            f"which was imported first, not of {own.folder}: a process has one version of a "
            "package; build the plugins for one virtual environment"
        )


_looked_at: set[tuple[str, str]] = set()


def _base_prefixes() -> list[str]:
    start = _started()
    return list(start.base_prefixes if start else (sys.base_prefix, sys.base_exec_prefix))


def _started() -> Any:
    """epy._start, in a Python that epy has started."""
    return sys.modules.get("epy._start")


def _is_plugins_own() -> bool:
    """Nobody but plugins uses this Python: what they find may be found by all its tools."""
    start = _started()
    return start is not None and not start.taken_over


def _standard_path() -> Iterable[str]:
    start = _started()
    if start is not None:
        return start.standard_path  # type: ignore[no-any-return]
    archive = f"{os.path.dirname(_STANDARD)}/{_VERSION.replace('.', '')}.zip"
    own = (archive, _STANDARD, f"{_STANDARD}/lib-dynload")
    return [entry for entry in sys.path if entry in own]


def _of_importer() -> Environment | None:
    """That of the code which imports; None for a host's."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        space = frame.f_globals
        script = getattr(space.get("__loader__"), "script", None)
        if isinstance(script, Script):
            return of(script.executable)
        file = space.get("__file__") or ""
        for one in list(_known.values()):
            if one is not None and one.holds(file):
                return one
        if not is_passed_through(space):
            return None
        frame = frame.f_back
    return None


def is_passed_through(space: Any) -> bool:
    """Whether a frame with these globals is Python's or epy's own: it acts for who called it."""
    name, file = space.get("__name__") or "", space.get("__file__") or ""
    origin = getattr(space.get("__spec__"), "origin", None)
    is_standard = file.startswith(_STANDARD + "/") and not file.startswith(_PACKAGES)
    is_epys = name == "epy" or name.startswith("epy.")
    return is_standard or is_epys or origin == "frozen" or "importlib" in name


class _Finder:
    """On sys.meta_path, before PathFinder."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if path is not None:
            return None
        environment = _of_importer()
        standard = PathFinder.find_spec(name, [*_standard_path()])
        if standard is not None and standard.loader is None:  # a folder, for want of a module
            standard = None
        if environment is None:
            if standard is None and _is_plugins_own():  # code of nobody's, in a thread of its own
                for script in list(registry.by_plugin.values()):
                    one = of(script.executable)
                    if one is not None:
                        one.find_packages()
            return None
        if standard is not None or environment.is_busy:
            return standard
        return PathFinder.find_spec(name, [*_standard_path(), *environment.find_packages()])

    def find_distributions(self, context: Any = None) -> Iterable[Any]:
        """For importlib.metadata."""
        environment = _of_importer()
        if environment is None or environment.is_busy or "path" in vars(context or self):
            return ()
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        options: Any = {"path": environment.find_packages(), "name": getattr(context, "name", None)}
        return MetadataPathFinder.find_distributions(DistributionFinder.Context(**options))


finder = _Finder()
