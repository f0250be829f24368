"""A rule for make, ninja and the like: which files a plugin was made of."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .._errors import StampError
from .._file.stamp import write
from .._modules import Sources
from .._script import Script


def files_of(sources: Sources, script: Script) -> list[str]:
    """The script's own files, and the headers that were read, or would have been."""
    root = script.path if sources.package else os.path.dirname(script.path)
    found = [filename for filename, _ in sources.members.values()]
    found += [os.path.join(root, name) for name in sources.data]
    for declarations in script.declarations.values():
        found += declarations.files
    return list(dict.fromkeys(found))


def write_rule(path: Path, target: str | os.PathLike[str], files: Iterable[str]) -> None:
    """In make's format, with the target as the command line named it. Raises StampError."""
    if "%" in os.fspath(target):
        raise StampError(
            f"{target}: make and ninja differ about % in what a rule makes: choose another name"
        )
    rule = " \\\n ".join([f"{_escaped(os.fspath(target))}:", *map(_escaped, files)])
    write(path, os.fsencode(rule + "\n"), 0o644)


def _escaped(name: str) -> str:
    if "\n" in name:
        raise StampError(f"{name}: make has no rule for a name with a line break: rename it")
    for special in " \t#:":
        name = name.replace(special, f"\\{special}")
    return name.replace("$", "$$")
