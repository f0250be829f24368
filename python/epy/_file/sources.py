"""A script as it lies on disk: a file and the modules beside it that it imports, or a package.

A package brings all that is in its folder, data files too.
"""

from __future__ import annotations

import ast
import os
import sys
from functools import partial

from .._errors import ScriptError
from .._modules import Sources
from .read import read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._modules import Data, Members

_LEFT_OUT = (".pyc", ".pyo")


def read_script(path: str, output: str | os.PathLike[str] | None = None) -> Sources:
    """The script at `path`; ScriptError if there is none, or if a part of it cannot be read.

    `output`, the plugin that is made of it, is no part of it.
    """
    package = os.path.isdir(path)
    if package and not os.path.exists(os.path.join(path, "__init__.py")):
        raise ScriptError(f"{path}: a folder without __init__.py is no package: add one")
    members: Members = {}
    data: Data = {}
    try:
        if package:
            _add_folder(path, "", members, data, output)
        else:
            members[""] = path, read_file(path)
            _add_modules_beside(path, members, data)
    except OSError as error:
        remedy = "give a script" if error.filename == path else "mend it, or take it away"
        raise ScriptError(
            f"{error.filename}: cannot be read ({error.strerror}): {remedy}"
        ) from None
    return Sources(dict(sorted(members.items())), package, data)


def _add_folder(
    root: str,
    folder: str,
    members: Members,
    data: Data,
    output: str | os.PathLike[str] | None = None,
    outer: tuple[str, ...] = (),
) -> None:
    """Add what is in a package's folder, a path below its `root`."""
    place = os.path.join(root, folder)
    outer = (*outer, os.path.realpath(place))
    for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
        name = f"{folder}/{entry.name}" if folder else entry.name
        stem, extension = os.path.splitext(name)
        if entry.name.startswith(".") or extension in _LEFT_OUT:
            continue
        if entry.is_dir():
            inside = os.path.realpath(entry.path) in outer  # a link to a folder that it lies in
            if entry.name != "__pycache__" and not inside:
                _add_folder(root, name, members, data, output, outer)
        elif extension == ".py" and all(map(str.isidentifier, stem.split("/"))):
            dotted = stem.removesuffix("__init__").rstrip("/").replace("/", ".")
            members[dotted] = entry.path, read_file(entry.path)
        elif output is None or not _is_same(entry.path, output):
            _check_readable(entry.path)
            data[name] = partial(read_file, entry.path)


def _is_same(path: str, other: str | os.PathLike[str]) -> bool:
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)


def _check_readable(path: str) -> None:
    """OSError for what has no contents to store, before the script runs."""
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        read_file(path)


def _add_modules_beside(path: str, members: Members, data: Data) -> None:
    """Add the modules and packages beside a script that it or they import.

    As for `python script.py`, they come before those of sys.path, but not before the standard
    library's.
    """
    folder = os.path.dirname(path)
    queue = [members[""]]
    while queue:
        for name in _imported(*queue.pop()):
            if name in members or name in sys.stdlib_module_names or name == "epy":
                continue
            package, module = os.path.join(folder, name), os.path.join(folder, f"{name}.py")
            found: Members = {}
            if os.path.exists(os.path.join(package, "__init__.py")):
                files: Data = {}
                _add_folder(package, "", found, files)
                found = {f"{name}.{key}".rstrip("."): member for key, member in found.items()}
                data |= {f"{name}/{key}": read for key, read in files.items()}
            elif os.path.exists(module) and not os.path.samefile(module, path):
                found[name] = module, read_file(module)
            members |= found
            queue += found.values()


def _imported(filename: str, source: bytes) -> Iterator[str]:
    """The first names of what a module imports, also inside its functions."""
    try:
        tree = ast.parse(source, filename)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # to run it tells
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
