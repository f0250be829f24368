"""Exit functions of scripts, in a Python that epy started.

Those that a script's own code registers run when its plugin goes, if that is before the process
exits: as a C library's do, and what they use is there. Its on_unload hooks run before them. Others
(of `logging`, say) are the process's. A forked child runs what it has registered itself, and its
parent's if it comes into its place: see `_core.take_to_run`.
Few starts need this module: see `_start.register`.
"""

from . import _core, _start
from ._plugin import Running, run_unload_hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._script import Script


class ExitFunction:
    """What Python has in place of a function. It runs once."""

    __slots__ = ("_call", "function", "mark", "script")

    def __init__(
        self, script: "Script | None", function: "Any", call: "Callable[[], object]"
    ) -> None:
        self.mark = _core.mark_to_run()
        self.script = script
        self.function = function
        self._call: Callable[[], object] | None = call

    def __call__(self) -> None:
        """At the end of Python. One that a host has taken over is the host's, in children, too."""
        if _start.taken_over or _core.take_to_run(self.mark):
            if isinstance(self.script, Running):
                run_unload_hooks(self.script)
            self.run()

    def run(self) -> None:
        call, self._call = self._call, None
        if self.script is not None and self in self.script.exit_functions:
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


def keep(script: "Script | None", function: "Any", args: "Any", kwargs: "Any") -> None:
    """`function` is to be called when its script's plugin goes, or at the process's exit before."""
    one = ExitFunction(script, function, lambda: function(*args, **kwargs))
    _start.register_exit(one)
    if script is not None:
        script.exit_functions.append(one)


def take(script: "Script") -> "list[ExitFunction]":
    """A script's exit functions in the order in which to run them. Python forgets them."""
    taken = script.exit_functions[::-1]
    script.exit_functions = []
    for one in taken:
        same: Any = _Itself(one)
        _start.unregister_exit(same)
    return taken
