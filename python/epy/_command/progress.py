"""What a command is doing, on a terminal, once it has taken more than a second."""

from __future__ import annotations

import os
import sys
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from .._printable import printable

_PATIENCE = 1.0  # seconds
_CLEAR = "\r\x1b[K"


class Progress:
    """`with Progress("builds gain.py") as progress: progress.now = "..."`

    One line on stderr, which goes when the work is done, and when a script asks its user something
    (breakpoint()); nothing where stderr is no terminal.
    """

    def __init__(self, now: str) -> None:
        self.now = now
        self._done = Event()
        self._thread: Thread | None = None

    def __enter__(self) -> Progress:
        if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._thread = Thread(target=self._show, daemon=True)
            self._thread.start()
            sys.addaudithook(self._notice)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _notice(self, event: str, arguments: object) -> None:
        if event == "builtins.input" and not self._done.is_set():
            self._end()

    def _show(self) -> None:
        start = monotonic()
        while not self._done.wait(_PATIENCE):
            seconds = int(monotonic() - start)
            sys.stderr.write(f"{_CLEAR}epy: {printable(self.now)} ({seconds} s)")
            sys.stderr.flush()
        if monotonic() - start >= _PATIENCE:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
