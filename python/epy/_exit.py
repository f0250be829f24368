"""Exit functions of scripts, in a Python that epy started.

Those that a script's own code registers run when its plugin goes, if that is before the process
exits: as a C library's do, and what they use is there. Others (of `logging`, say) are the
process's.
"""

import atexit
import sys

from ._script import Script, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_register, _unregister = atexit.register, atexit.unregister


class ExitFunction:
    """What Python has in place of a script's function. It runs once."""

    __slots__ = ("_call", "function", "script")

    def __init__(self, script: "Script", function: "Any", call: "Callable[[], object]") -> None:
        self.script = script
        self.function = function
        self._call: Callable[[], object] | None = call

    def __call__(self) -> None:
        call, self._call = self._call, None
        if self in self.script.exit_functions:
            self.script.exit_functions.remove(self)
        if call is not None:
            call()

    def __repr__(self) -> str:
        return repr(self.function)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Itself | ExitFunction):
            return other is self or getattr(other, "one", None) is self
        return bool(self.function == other)  # `atexit.unregister` of the script's function

    __hash__ = None  # type: ignore[assignment]


class _Itself:
    """Equal to one exit function alone."""

    __slots__ = ("one",)

    def __init__(self, one: "ExitFunction") -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return other is self.one

    __hash__ = None  # type: ignore[assignment]


def register(function: "Any", /, *args: "Any", **kwargs: "Any") -> "Any":
    """Register a function to be executed upon normal program termination.

    Of a plugin's script: when the plugin is unloaded, if that is before.
    """
    script = getattr(sys._getframe(1).f_globals.get("__loader__"), "script", None)
    if not isinstance(script, Script) or not callable(function):
        return _register(function, *args, **kwargs)
    one = ExitFunction(script, function, lambda: function(*args, **kwargs))
    _register(one)
    script.exit_functions.append(one)
    return function


def unregister(function: "Any", /) -> None:
    """Unregister an exit function which was previously registered using atexit.register."""
    _unregister(function)
    for script in registry.by_plugin.values():
        script.exit_functions = [one for one in script.exit_functions if one != function]


def take(script: "Script") -> "list[ExitFunction]":
    """A script's exit functions in the order in which to run them. Python forgets them."""
    taken = script.exit_functions[::-1]
    script.exit_functions = []
    for one in taken:
        same: Any = _Itself(one)
        _unregister(same)
    return taken


def follow_scripts() -> None:
    """From now on exit functions of scripts are known."""
    atexit.register, atexit.unregister = register, unregister
