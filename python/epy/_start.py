"""What a Python that epy has started needs before the first script runs: the core calls `start`."""

from __future__ import annotations

import atexit
import os
import sys
from _frozen_importlib_external import PathFinder
from _thread import RLock
from io import StringIO

from . import _core, _exit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def start() -> None:
    """Make this Python a guest in its host's process."""
    global standard_path
    standard_path = tuple(sys.path)
    _exit.follow_scripts()
    sys.meta_path.insert(0, _SignalModules())
    sys.meta_path.append(packages)
    # A forked child writes nothing that its parent has written, and runs no exit function of it.
    os.register_at_fork(before=_flush, after_in_child=_forget_exit_functions)
    if sys.stdout is not None:
        # A host reads the plugin's output as it is written.
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if _core.has_raised_privileges():
        _look_at_packages()


def _forget_exit_functions() -> None:
    if not taken_over:
        atexit._clear()


def _look_at_packages() -> None:
    """In a process with raised privileges: UntrustedFileError for a path that others can change.

    It would be refused when a script imports from there, too; but what can start then and what
    cannot should not depend on what it imports. `site` catches exceptions and prints them.
    """
    shown, sys.stderr = sys.stderr, StringIO()
    try:
        packages.run()
    finally:
        caught, sys.stderr = sys.stderr.getvalue(), shown
    _core.check_refusals()
    if caught and shown is not None:
        shown.write(caught)
    for entry in sys.path:
        if os.path.exists(entry):
            _core.check_trusted(entry)


class _SignalModules:
    """On sys.meta_path, first: signals stay the host's, whatever a script imports."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in ("signal", "readline"):
            return None
        from ._running import signals  # before the first use of `signal`

        return signals.find_untaken(name, path, target, self) if name in signals.TAKEN else None


class _SitePackages:
    """On sys.meta_path, last: runs `site` when the first module is looked for in vain.

    `site` finds a virtual environment's packages, and takes as long as the rest of Python's start.
    Most scripts need the standard library alone.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.running = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if path is not None or self not in sys.meta_path:
            return None
        self.run()
        return PathFinder.find_spec(name)

    def run(self) -> None:
        # Other threads wait; not for ever, because a .pth file may import what they are importing.
        taken = self.lock.acquire(timeout=5)
        try:
            if self in sys.meta_path and not self.running:
                self.running = True
                import site

                site.main()
                self.leave()
        finally:
            if taken:
                self.lock.release()

    def leave(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)


packages = _SitePackages()
standard_path: tuple[str, ...] = ()
"""Where the standard library is."""
taken_over = False
"""The host has initialized Python itself since: see _running/takeover.py."""


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # None, broken or closed
