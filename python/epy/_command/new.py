"""`epy new`: a script to begin with, and a test for it."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from .._errors import Error

# One script for each host, and its test: as they are, but that NAME stands for the plugin's name.
_SKELETONS = Path(__file__).with_name("skeletons")
_NAME = re.compile("NAME")


def hosts() -> list[str]:
    """The hosts that there is a skeleton for."""
    return sorted(path.stem for path in _SKELETONS.glob("[!t_]*.py"))


def of_host(host: str) -> tuple[str, str]:
    """A script for a host that there is a skeleton for, and its test. Error for another one."""
    if host not in hosts():
        near = difflib.get_close_matches(host, hosts(), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(hosts())}"
        raise Error(f"--host {host}: no skeleton for it; {hint}")
    texts = [(_SKELETONS / f"{prefix}{host}.py").read_text("utf-8") for prefix in ("", "test_")]
    return texts[0], texts[1]


def check_name(name: str) -> None:
    """Error for a path whose last part is no name for a module."""
    stem = os.path.basename(name).removesuffix(".py")
    if not stem.isidentifier():
        raise Error(f"{stem!r}: no name for a script: use letters, digits and _")


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
                file.write(_NAME.sub(stem, text))
    except OSError as error:
        for it in made:
            it.unlink()
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    return paths
