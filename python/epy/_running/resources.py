"""What a plugin holds besides its modules, for `importlib.resources` and `pkgutil`."""

from __future__ import annotations

import errno
import io
import os
from importlib.machinery import ModuleSpec
from importlib.resources.abc import Traversable, TraversableResources
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._modules import _Loader


def read_beside(loader: _Loader, path: str) -> bytes:
    """A file of the script, by its path where the script was when it was read."""
    root = os.path.dirname(loader.members[""][0])
    for name, read in _files(loader).items():
        if path == f"{root}/{name}":
            return read()
    raise _missing(path)


def _files(loader: _Loader) -> dict[str, Callable[[], bytes]]:
    """What reads each file, by its path below the script's folder: data and modules."""
    root = os.path.dirname(loader.members[""][0])
    found = dict(loader.data)
    for filename, source in loader.members.values():
        found[os.path.relpath(filename, root)] = lambda source=source: source  # type: ignore[misc]
    return found


def _missing(path: str) -> OSError:
    return FileNotFoundError(errno.ENOENT, "no such file in the plugin", path)


class Reader(TraversableResources):
    """The resources of one package of a script."""

    def __init__(self, loader: _Loader, key: str) -> None:
        self.loader = loader
        self.folder = key.replace(".", "/")

    def files(self) -> Traversable:
        return Resource(_files(self.loader), self.folder)


class Resource(Traversable):
    """A file or folder in a plugin; `importlib.resources.as_file` gives it a place on disk."""

    def __init__(self, files: dict[str, Callable[[], bytes]], path: str) -> None:
        self._files = files
        self._path = path

    @property
    def name(self) -> str:
        return self._path.rpartition("/")[2]

    def _below(self) -> str:
        return f"{self._path}/" if self._path else ""

    def iterdir(self) -> Iterator[Traversable]:
        start = self._below()
        names = {
            path[len(start) :].partition("/")[0]
            for path in self._files
            if path[: len(start)] == start
        }
        return (Resource(self._files, start + name) for name in sorted(names))

    def is_file(self) -> bool:
        return self._path in self._files

    def is_dir(self) -> bool:
        start = self._below()
        return any(path.startswith(start) for path in self._files)

    def joinpath(self, *descendants: Any) -> Traversable:
        parts = [part for one in descendants for part in os.fspath(one).split("/")]
        path = os.path.normpath("/".join([self._path, *parts]).lstrip("/") or ".")
        return Resource(self._files, "" if path == "." else path)

    def __truediv__(self, child: Any) -> Traversable:
        return self.joinpath(child)

    def read_bytes(self) -> bytes:
        if not self.is_file():
            raise _missing(self._path)
        return self._files[self._path]()

    def read_text(self, encoding: str | None = None) -> str:
        return self.read_bytes().decode(encoding or "utf-8")

    def open(self, mode: str = "r", *args: Any, **kwargs: Any) -> IO[Any]:
        if mode not in ("r", "rt", "rb"):
            raise ValueError(f"{mode!r}: what a plugin holds can only be read: use 'r' or 'rb'")
        stream = io.BytesIO(self.read_bytes())
        return stream if mode == "rb" else io.TextIOWrapper(stream, *args, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._path!r} of a plugin>"


class Entry:
    """What `sys.path_hooks` gives for a package's `__path__`."""

    def __init__(self, loader: _Loader, fullname: str) -> None:
        self.loader = loader
        self.fullname = fullname

    def find_spec(self, fullname: str, target: object = None) -> ModuleSpec | None:
        return self.loader.find(fullname)

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """For `pkgutil.iter_modules` and `walk_packages`."""
        start = self.fullname[len(self.loader.root) + 1 :]
        start += "." * bool(start)
        members = self.loader.members
        names = {
            name[len(start) :].partition(".")[0]
            for name in members
            if name and name.startswith(start)
        }
        for name in sorted(names):
            spec = self.loader.find(f"{self.fullname}.{name}")
            yield prefix + name, spec is not None and spec.submodule_search_locations is not None
