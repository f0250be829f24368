"""A Python that a host ends waits for threads that are no daemons, before it runs exit functions.

What tells a plugin's threads to end are its on_unload hooks, and those run with the exit functions:
the one would wait for the other. So the hooks of a plugin that has such a thread run before that
wait. Those of other plugins do not: threads of the host may go on to call them.
"""

from __future__ import annotations

from _thread import get_ident

from .. import _core
from .._plugin import Running, run_unload_hooks
from .._script import registry
from .environments import is_passed_through

TYPE_CHECKING = False
if TYPE_CHECKING:
    from threading import Thread
    from types import ModuleType
    from typing import Any


def run_hooks_of_waited_for(threading: ModuleType) -> None:
    """Of all plugins whose threads `threading._shutdown` would wait for."""
    exiting = get_ident()  # which `threading` need not know
    waited = [one for one in threading.enumerate() if not one.daemon and one.ident != exiting]
    owners = {id(_owner(one)) for one in waited}
    for script in list(reversed(registry.by_plugin.values())):
        if id(script) in owners:
            run_unload_hooks(script)


def _owner(thread: Thread) -> Running | None:
    """Whose code has started a thread, as far as it shows: the first that runs on it, or will."""
    found = None
    frame: Any = _core.frame_of(thread.ident or 0)
    while frame is not None:
        if not is_passed_through(frame.f_globals):
            found = _script_of(frame.f_globals)
        frame = frame.f_back
    if found is None:  # a library's code: a Timer has what it will call
        given = [_script_of(_globals_of(value)) for value in vars(thread).values()]
        found = next((one for one in given if one is not None), None)
    return found


def _script_of(space: dict[str, Any]) -> Running | None:
    script = getattr(space.get("__loader__"), "script", None)
    return script if isinstance(script, Running) else None


def _globals_of(function: Any) -> dict[str, Any]:
    function = getattr(function, "func", function)  # of a partial
    space = getattr(getattr(function, "__func__", function), "__globals__", {})
    return space if isinstance(space, dict) else {}
