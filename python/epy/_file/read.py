"""Files that people name: read whole, if they are files."""

from __future__ import annotations

import errno
import os
import stat

from .. import _core

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_file(path: str | os.PathLike[str]) -> bytes:
    """What a regular file holds.

    Anything else is an OSError with the path, without a wait for a writer or for an end that never
    comes. In a process with raised privileges a file that others can change is an
    UntrustedFileError.
    """
    _core.check_trusted(path)
    with open(os.fspath(path), "rb", opener=_open) as file:
        return file.read()


def _open(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"{_KINDS.get(kind, 'something else')}, not a file", path)
    return descriptor
