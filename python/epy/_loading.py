"""Who may load libraries while a script runs inside dlopen.

The host's thread holds the dynamic loader's lock then. Another thread that loads a library waits
for that lock with the GIL held, which the script needs: both would hang. So other threads wait
here, without the GIL, as long as a thread has reserved loading for itself.
"""

import _frozen_importlib
import _imp
import sys
from _thread import allocate_lock, get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PATIENCE = 10  # seconds
_owners: list[int] = []  # threads, one entry for each reservation
_over = allocate_lock()  # held while there is one
_replaced: "list[tuple[Any, str, Any]]" = []


def reserve(thread: int) -> bool:
    """Reserve it for a thread. False if another is in the middle of an import, which it must end.

    It holds the lock of its module, for which the script might wait.
    """
    locks = getattr(_frozen_importlib, "_module_locks", {})
    for reference in list(locks.values()):
        if getattr(reference(), "owner", None) not in (None, thread):
            return False
    if not _owners:
        _over.acquire()
        _replace(_imp, "create_dynamic")
        if "ctypes" in sys.modules:
            _guard(sys.modules["ctypes"])
    _owners.append(thread)
    return True


def follow(ctypes: "Any") -> None:
    """It has just been imported."""
    if _owners:
        _guard(ctypes)


def _guard(ctypes: "Any") -> None:
    _replace(ctypes, "_dlopen")
    _replace(ctypes.CDLL, "__getitem__")


def release(thread: int) -> None:
    """One reservation of a thread is over."""
    _owners.remove(thread)
    if not _owners:
        while _replaced:
            setattr(*_replaced.pop())
        _over.release()


class reserved:
    """A scope in which it is reserved for the running thread, which holds the GIL all along."""

    def __enter__(self) -> None:
        self.done = reserve(get_ident())

    def __exit__(self, *_: object) -> None:
        if self.done:
            release(get_ident())


def _replace(owner: "Any", name: str) -> None:
    function = getattr(owner, name)
    _replaced.append((owner, name, function))
    setattr(owner, name, _waiting(function))


def _waiting(function: "Callable[..., Any]") -> "Callable[..., Any]":
    def wait(*arguments: "Any", **options: "Any") -> "Any":
        while _owners and get_ident() not in _owners:
            if not _over.acquire(timeout=_PATIENCE):
                raise ImportError(
                    "a plugin that is being loaded keeps the dynamic loader: its script seems to "
                    "wait for this import; build the plugin without --eager"
                )
            _over.release()
        return function(*arguments, **options)

    return wait
