"""errno, both ways: what the host sees after a call, and what its functions have left."""

from __future__ import annotations

import _ctypes

from .. import _core
from .._errors import Error


def get_errno() -> int:
    """The `errno` that the last call of a header's function on this thread left (errno(3)).

    ::

        if host.mkdir(path, 0o700) != 0:
            raise OSError(epy.get_errno(), os.strerror(epy.get_errno()))

    Taken as soon as the function returns: what Python does after it does not count. The next one
    finds it as it was left, as in C; `epy.set_errno(0)` before functions that tell a failure by
    errno alone, such as strtol. It is ctypes' own (`ctypes.get_errno`), which functions of
    libraries opened with use_errno=True leave too, but those of a header with `use_errno=False` do
    not. 0 before the first call. Each thread has its own.
    """
    return _ctypes.get_errno()


def set_errno(number: int) -> None:
    """Set `errno`: as the host sees it after the call that this thread is in (errno(3)), and as the
    next function of a header finds it that is called here.

    Without it the host finds errno as it was, whatever Python did in between. Calls nest: each has
    its own, and so has each thread. Raises epy.Error outside a call from a host (there,
    `ctypes.set_errno` is for a header's functions), ValueError for a negative number, OverflowError
    for what is no C int.
    """
    if not _core.set_errno(number):
        raise Error(
            "no host is calling on this thread: set errno in a function that it calls; "
            "ctypes.set_errno is for functions of a header"
        )
    _ctypes.set_errno(number)
