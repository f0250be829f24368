"""What the compiler and the linker of a host need that uses epy.h."""

from __future__ import annotations

import shlex
from pathlib import Path


def flags_of(what: str) -> str:
    """Of "cflags", "libs", "pkgconfigdir" or "cmakedir"; quoted as a shell reads it."""
    package = _package()
    if what == "cflags":
        return shlex.join([f"-I{package / 'include'}"])
    if what == "libs":
        return shlex.join([f"-L{package}", f"-Wl,-rpath,{package}", "-lepy"])
    return str(package / {"pkgconfigdir": "include", "cmakedir": "cmake"}[what])


def _package() -> Path:
    """Where libepy.so is: the files of Python's side may be links from there."""
    import epy

    return Path(next(iter(epy.__path__))).absolute()
