"""What the dynamic linker says of a program or a library."""

from __future__ import annotations

import os
import re
import subprocess

from .._errors import Error

LINKER = "/lib64/ld-linux-x86-64.so.2"
_LIMIT = 60  # seconds


def libraries_of(file: str | os.PathLike[str]) -> dict[str, str] | None:
    """The libraries that it needs, by name, where they are found; None if it has none to load.

    Raises Error if it does not end.
    """
    try:
        answer = subprocess.run(
            [LINKER, "--list", file],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise Error(
            f"{os.fspath(file)}: {LINKER} --list does not end: is it on a file system that answers?"
        ) from None
    if answer.returncode != 0 or "statically linked" in answer.stdout:
        return None
    return dict(re.findall(r"^\s*(\S+) => (/.*) \(0x", answer.stdout, re.MULTILINE))
