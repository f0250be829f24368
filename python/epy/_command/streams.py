"""What a command writes to, which may be closed, full, or taken by the script that it runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def begin() -> None:
    """For a whole command. What is said to a closed stream goes nowhere, and fails nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # paths may be any bytes


def complain(line: str) -> None:
    """A line on standard error. If that cannot be written, the exit status has to say it."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = open(os.devnull, "w")  # Python would try again when it ends


def discard_output() -> None:
    """Python would try to write the rest again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def kept() -> Iterator[None]:
    """While a script runs, which may replace and close them: they are back afterwards."""
    before = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = (
            # Python's own leave the descriptor open.
            open(number, "w", errors="backslashreplace", closefd=False)
            if getattr(stream, "closed", False)
            else stream
            for number, stream in enumerate(before, 1)
        )
