"""What a Python that epy has started needs before the first script runs: the core calls `start`."""

import atexit
import posix
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import PathFinder

from . import _core
from ._modules import outside_import_lock
from ._script import Script, namespace, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def start(python: str | None, chosen: bool) -> None:
    """Make this Python a guest in its host's process; again, if that failed before it was over.

    `python` is the one that was asked for; `chosen`: for all plugins.
    """
    global executable, is_chosen
    executable = python or ""
    is_chosen = bool(chosen)
    if not standard_path:
        _become_a_guest()
    if _core.has_raised_privileges():
        _look_at_packages()


def _become_a_guest() -> None:
    global base_prefixes, standard_path
    atexit.register, atexit.unregister = register, unregister
    sys.meta_path.insert(0, _first)
    sys.meta_path.append(packages)
    posix.register_at_fork(before=_flush)  # a child writes nothing that its parent has written
    if sys.stdout is not None:
        # A host reads the plugin's output as it is written.
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    standard_path = tuple(sys.path)
    base_prefixes = sys.base_prefix, sys.base_exec_prefix


register_exit, unregister_exit = atexit.register, atexit.unregister


def register(function: "Any", /, *args: "Any", **kwargs: "Any") -> "Any":
    """Register a function to be executed upon normal program termination.

    Of a plugin's script: when the plugin is unloaded, if that is before.
    """
    if not callable(function):
        return register_exit(function, *args, **kwargs)
    from ._exit import keep

    script = getattr(sys._getframe(1).f_globals.get("__loader__"), "script", None)
    keep(script if isinstance(script, Script) else None, function, args, kwargs)
    return function


def unregister(function: "Any", /) -> None:
    """Unregister an exit function which was previously registered using atexit.register."""
    unregister_exit(function)
    for script in list(registry.by_plugin.values()):
        script.exit_functions = [one for one in script.exit_functions if one != function]


def _look_at_packages() -> None:
    """In a process with raised privileges: UntrustedFileError for a path that others can change.

    It would be refused when a script imports from there, too; but what can start then and what
    cannot should not depend on what it imports. `site` catches exceptions and prints them.
    """
    import os
    from io import StringIO

    from ._running import environments

    shown, sys.stderr = sys.stderr, StringIO()
    try:
        environment = environments.of(executable)
        if environment is not None:
            environment.find_packages()
    finally:
        caught, sys.stderr = sys.stderr.getvalue(), shown
    _core.check_refusals()
    if caught and shown is not None:
        shown.write(caught)
    for entry in sys.path:
        if os.path.exists(entry):
            _core.check_trusted(entry)


def _find_first(name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
    if name.partition(".")[0] in _kept:
        return _find_forgotten(name)
    if name not in ("signal", "readline"):
        return None
    from ._running import signals  # before the first use of `signal`

    if name not in signals.TAKEN:
        return None
    return signals.find_untaken(name, path, target, _first)


_first = namespace(find_spec=_find_first)
"""The first: signals stay the host's, whatever a script imports, and epy is what it was."""
_kept = {"sys": sys, __package__: sys.modules[__package__]}


def _find_forgotten(name: str) -> "ModuleSpec | None":
    """A module of epy's that a script has taken out of `sys.modules`: calls, and the end, need it.

    A package has its modules as attributes. Another `sys` would lack what a start adds, `modules`
    since 3.12.
    """
    top, *parts = name.split(".")
    module: Any = _kept[top]
    for part in parts:
        module = None if module is None else vars(module).get(part)
    if not isinstance(module, type(sys)):
        return None
    known: Any = module.__spec__

    def take_back(module: "Any") -> None:
        module.__spec__ = known

    loader: Any = namespace(create_module=lambda spec: module, exec_module=take_back)
    return ModuleSpec(name, loader)


def _find_in_packages(name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
    if path is not None or name == "epy":  # which `_found` imports from
        return None
    return _found().find_spec(name) or PathFinder.find_spec(name)


def _find_distributions(context: "Any" = None) -> "Iterable[Any]":
    found: Iterable[Any] = _found().find_distributions(context)
    return found


def _found() -> "Any":
    environments = outside_import_lock(_import_environments)
    environments.install()
    if packages in sys.meta_path:
        sys.meta_path.remove(packages)
    return environments.finder


def _import_environments() -> "Any":
    from ._running import environments

    return environments


packages = namespace(
    find_spec=_find_in_packages, find_distributions=_find_distributions, found=_found
)
"""The last: whose packages there are matters when the first module is missed.

To find them takes as long as the rest of Python's start. Most scripts need the standard library
alone.
"""
executable = ""
"""The Python that the first plugin, or EPY_PYTHON, asked for: of a virtual environment or not."""
is_chosen = False
"""By EPY_PYTHON or the host, for all plugins: its packages, not those that they are built with."""
standard_path: tuple[str, ...] = ()
"""Where the standard library is."""
base_prefixes: tuple[str, ...] = ()
"""Of this Python itself, whatever the host calls its own."""
taken_over = False
"""The host has initialized Python itself since: see _running/takeover.py."""


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # None, broken or closed
