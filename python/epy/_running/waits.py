"""What a thread waits for: asked by the loader when a wait of epy's lasts for seconds."""

from __future__ import annotations

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

_JOINS = "join", "_wait_for_tstate_lock"
_IMPORT_SYSTEM = "importlib._bootstrap", "_frozen_importlib"


def awaited(thread: int) -> int:
    """The thread for whose end, or import of a module, another one waits; 0 if that is unknown.

    As it is in an interpreter with a lock of its own.
    """
    frame = _core.frame_of(thread)
    if frame is None:
        return 0
    name, module = frame.f_code.co_name, frame.f_globals.get("__name__")
    if module == "threading" and name in _JOINS:
        return _joined(frame)
    if module in _IMPORT_SYSTEM and name == "acquire":
        owner = getattr(frame.f_locals.get("self"), "owner", None)
        return owner if isinstance(owner, int) and owner != thread else 0
    return 0


def _joined(frame: FrameType) -> int:
    for one in (frame, frame.f_back):
        if one is not None and one.f_code.co_name == "join":
            if one.f_locals.get("timeout") is not None:
                return 0
            ident = getattr(one.f_locals.get("self"), "ident", None)
            return ident if isinstance(ident, int) else 0
    return 0
