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


def new(name: str, host: str) -> list[Path]:
    """Write NAME.py and test_NAME.py into the folder that `name` may begin with; their paths.

    Files that are there stay as they are: that is an Error, and nothing is written.
    """
    folder, name = os.path.split(name.removesuffix(".py"))
    if not name.isidentifier():
        raise Error(f"{name!r}: no name for a script: use letters, digits and _")
    if host not in hosts():
        near = difflib.get_close_matches(host, hosts(), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(hosts())}"
        raise Error(f"--host {host}: no skeleton for it; {hint}")
    files = {
        Path(folder, f"{prefix}{name}.py"): _SKELETONS / f"{prefix}{host}.py"
        for prefix in ("", "test_")
    }
    for path in files:
        if os.path.lexists(path):
            raise Error(f"{path}: is there already; give another NAME")
    for path, skeleton in files.items():
        text = _NAME.sub(name, skeleton.read_text(encoding="utf-8"))
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return list(files)
