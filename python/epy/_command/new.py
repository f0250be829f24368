"""`epy new`: a script to begin with, and a test for it."""

from __future__ import annotations

import difflib
import keyword
import os
from pathlib import Path

from .._errors import Error

# One script for each host, and its test: as they are, but that NAME stands for the plugin's name.
_SKELETONS = Path(__file__).with_name("skeletons")


def hosts() -> list[str]:
    """The hosts that there is a skeleton for."""
    return sorted(path.stem for path in _SKELETONS.glob("[!t_]*.py"))


def of_host(host: str, name: str) -> tuple[str, str]:
    """A script of that name for a host with a skeleton, and its test. Error for another host."""
    if host not in hosts():
        near = difflib.get_close_matches(host, hosts(), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(hosts())}"
        raise Error(f"--host {host}: no skeleton for it; {hint}")
    texts = [(_SKELETONS / f"{prefix}{host}.py").read_text("utf-8") for prefix in ("", "test_")]
    script, test = (text.replace("NAME", name) for text in texts)
    return script, test


def name_in(path: str) -> str:
    """The last part of a path. Error if that is no name for a module, or hides epy."""
    stem = os.path.basename(path).removesuffix(".py")
    if not stem.isidentifier() or keyword.iskeyword(stem) or stem == "epy":
        raise Error(
            f"{stem!r}: no name for a script: use letters, digits and _, no word of Python's, and "
            "not epy"
        )
    return stem


def write(name: str, texts: tuple[str, str]) -> list[Path]:
    """Write NAME.py and test_NAME.py into the folder that `name` may begin with; their paths.

    Files that are there stay as they are: that is an Error, and nothing is written.
    """
    folder, stem = os.path.split(name.removesuffix(".py"))
    paths = [Path(folder, f"{prefix}{stem}.py") for prefix in ("", "test_")]
    for path in paths:
        if os.path.lexists(path):
            raise Error(f"{path}: is there already; give another NAME")
    made: list[Path] = []
    try:
        for path, text in zip(paths, texts, strict=True):
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:  # the disk is full, Ctrl-C
        for it in made:
            it.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from None
        raise
    return paths
