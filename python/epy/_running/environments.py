"""Virtual environments of plugins that run in a Python which was started without them.

The process's first plugin, or its host, has started Python; another plugin may have been built for
a virtual environment of its own. Its packages are added behind those that are there, when the first
module is looked for in vain: of two versions of a package the one that came first is used.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def add(executable: str) -> None:
    """Let the packages of the environment of this Python be found, if it has one that fits."""
    environment = os.path.dirname(os.path.dirname(executable))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = f"{environment}/lib/{version}/site-packages"
    if not os.path.exists(f"{environment}/pyvenv.cfg") or not os.path.isdir(packages):
        return
    if _core.has_raised_privileges():
        if "epy._start" not in sys.modules:
            return  # a host's own Python imports what it likes, unlooked at
        _core.check_trusted(packages)
    if _later not in sys.meta_path:
        sys.meta_path.append(_later)
    if packages not in _later.packages and packages not in sys.path:
        _later.packages.append(packages)


class _Later:
    """On sys.meta_path, last."""

    def __init__(self) -> None:
        self.packages: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if path is not None or not self.packages:
            return None
        import site

        while self.packages:
            site.addsitedir(self.packages.pop(0))  # their .pth files too
        return PathFinder.find_spec(name)


_later = _Later()
