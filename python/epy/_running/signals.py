"""Signals in a Python that epy started: the host's, until a script takes one with `signal.signal`.

What the script asks for happens. The signal is the host's again when the script gives it back, or
when the plugin goes: a handler of a plugin that is gone would leave the host without Ctrl-C.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import sys

from .. import _core
from .._script import find_script, nowhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

_set, _get = _signal.signal, _signal.getsignal
_signals: dict[int, _Signal] = {}  # those that a script has taken once


class _Action:
    """What a signal does since somebody said so."""

    __slots__ = ("address", "handler", "kept", "owner")

    def __init__(self, number: int, handler: Any, owner: object) -> None:
        self.handler = handler
        self.owner = owner  # the script
        self.kept = _core.keep_signal(number)
        self.address = _core.signal_handler(number)


class _Signal:
    """A signal that scripts have taken, one after the other; the first action is the host's.

    It is also its own handler in Python's table, which only the main thread can change: so plugins
    can go on any thread, and nothing of them stays there.
    """

    __slots__ = ("actions", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.actions: list[_Action] = []

    def __call__(self, number: int, frame: object) -> None:
        handler = self.actions[-1].handler if self.actions else None
        if callable(handler):
            handler(number, frame)

    def is_taken(self) -> bool:
        """Whether the last action is what the signal does: the host may have changed it since."""
        last = self.actions[-1] if self.actions else None
        return last is not None and last.address == _core.signal_handler(self.number)

    def look(self) -> Any:
        """What `signal.getsignal` says."""
        if self.is_taken() and self.actions[-1].owner is not self:
            return self.actions[-1].handler
        known = {0: _signal.SIG_DFL, 1: _signal.SIG_IGN}
        return known.get(_core.signal_handler(self.number))

    def take(self, handler: Any, owner: object) -> None:
        if not self.is_taken():
            self.actions = [_Action(self.number, self.look(), self)]
        _set(self.number, self if callable(handler) else handler)
        if self.actions[-1].owner is owner:
            self.actions.pop()
        self.actions.append(_Action(self.number, handler, owner))

    def gives_back(self, handler: Any, owner: object) -> bool:
        """Whether a script sets what was there before it, or what stands for that in Python."""
        if not self.is_taken() or self.actions[-1].owner is not owner:
            return False
        usual = _signal.default_int_handler if self.number == _signal.SIGINT else None
        return handler in (_signal.SIG_DFL, usual, self.actions[-2].handler)

    def drop(self, owner: object) -> list[object]:
        """What `owner` has set is over; returns its handlers."""
        taken = self.is_taken() and self.actions[-1].owner is owner
        dropped = [action.handler for action in self.actions if action.owner is owner]
        self.actions = [action for action in self.actions if action.owner is not owner]
        if taken:
            _core.put_signal_back(self.actions[-1].kept)
        return dropped


def signal(signalnum: int, handler: Any, /) -> Any:
    """Set the action for the given signal; returns the previous one, None if it is the host's."""
    _get(signalnum)  # raises for what is no signal
    taken = _signals.setdefault(signalnum, _Signal(signalnum))
    before, owner = taken.look(), find_script()
    if taken.gives_back(handler, owner):
        taken.drop(owner)
    elif callable(handler) or handler != before:
        taken.take(handler, owner)
    return before


def getsignal(signalnum: int, /) -> Any:
    """Return the current action for the given signal; None if it is the host's."""
    _get(signalnum)
    return (_signals.get(signalnum) or _Signal(signalnum)).look()


def install_handlers() -> None:
    """What Python's initialization does for a host that asks for it; it stays."""
    actions = {_signal.SIGPIPE: _signal.SIG_IGN, _signal.SIGXFSZ: _signal.SIG_IGN}
    if _core.signal_handler(_signal.SIGINT) == _signal.SIG_DFL:
        actions[_signal.SIGINT] = _signal.default_int_handler
    for number, handler in actions.items():
        _signals.setdefault(number, _Signal(number)).take(handler, nowhere())


def give_back(script: object) -> list[object]:
    """A plugin goes; returns its handlers."""
    return [handler for taken in list(_signals.values()) for handler in taken.drop(script)]


_signal.signal, _signal.getsignal = signal, getsignal


# Modules that take a signal when they are imported.
TAKEN = {"readline": _signal.SIGWINCH}


def find_untaken(name: str, path: object, target: object, finder: object) -> ModuleSpec | None:
    """A module of TAKEN as the finders after `finder` give it."""
    for other in sys.meta_path[sys.meta_path.index(finder) + 1 :]:  # type: ignore[arg-type]
        spec = other.find_spec(name, path, target)  # type: ignore[arg-type]
        if spec is not None:
            spec.loader = _Untaken(spec.loader, TAKEN[name])  # type: ignore[assignment]
            return spec
    return None


class _Untaken:
    """A loader whose module leaves a signal as it is."""

    def __init__(self, loader: Any, number: int) -> None:
        self.loader = loader
        self.number = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: Any) -> Any:
        kept = _core.keep_signal(self.number)
        try:
            return self.loader.create_module(spec)
        finally:
            _core.put_signal_back(kept)

    def exec_module(self, module: Any) -> None:
        kept = _core.keep_signal(self.number)
        try:
            self.loader.exec_module(module)
        finally:
            _core.put_signal_back(kept)
