"""For tests of plugins: `build` makes one of a script, as `epy build` does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["build"]


def build(script: str | os.PathLike[str], folder: str | os.PathLike[str], *options: str) -> Path:
    """Build a script's plugin into a folder, with the options of `epy build`; returns its path.

    It runs in a process of its own, so what the script imports at build stays out of the tests.
    Raises AssertionError with the message of `epy build` if that fails.
    """
    plugin = Path(folder, Path(script).stem + ".so")
    command = [sys.executable, "-m", "epy", "build", os.fspath(script), "-o", str(plugin)]
    result = subprocess.run([*command, *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return plugin
