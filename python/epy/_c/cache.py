"""What C headers gave before, on disk: a second build of a plugin reads none.

An entry counts as long as the files that were read are the same, and those that were looked for
before them are still missing. Files appear whole, so that any number of processes may use the cache
at once; the oldest go when it is full, which each process that adds to it sees to once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import marshal
import os
import zlib
from typing import Any

from .. import _core

_READER = [entry.path for entry in os.scandir(os.path.dirname(__file__)) if entry.is_file()]
_FULL = 256 * 2**20  # bytes
_BLOCK = 4096  # what a small file takes
_ENVIRONMENT = ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "SOURCE_DATE_EPOCH")
_VERSION = 4  # of marshal


def _folder() -> str:
    """Where the cache is; "" for none: with raised privileges its owner is another user."""
    if _core.has_raised_privileges():
        return ""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(root):
        home = os.path.expanduser("~")
        root = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return os.path.join(root, "epy", "headers") if root else ""


def key(request: dict[str, Any]) -> str:
    """The name of an entry: of all that an answer depends on besides the files that are read."""
    environment = [os.environ.get(name) for name in _ENVIRONMENT]
    whole = marshal.dumps((_readers(request["library"]), request, environment), 2)
    return hashlib.blake2b(whole, digest_size=20).hexdigest()


def find(name: str) -> dict[str, Any] | None:
    """An answer that still holds."""
    if not (folder := _folder()):
        return None
    path = os.path.join(folder, name)
    try:
        with open(path, "rb") as file:
            checksum, data = file.read(4), file.read()
        if len(checksum) < 4 or zlib.crc32(data) != int.from_bytes(checksum, "little"):
            return None
        files, answer = marshal.loads(data)
        if any(_has_changed(*it) for it in files):
            return None
    except (OSError, ValueError, EOFError, TypeError):
        return None
    with contextlib.suppress(OSError):  # it may be another's, or nothing be written there
        os.utime(path)
    found: dict[str, Any] = answer
    return found


def store(name: str, answer: dict[str, Any], began: int) -> None:
    """Keep an answer; a cache that cannot be written is none.

    `began`: when the files were still to be read (time.time_ns). One that has been written since
    may not be what was read.
    """
    if not (folder := _folder()):
        return
    files = [(file, _stamp(file), _digest(file)) for file in answer["files"]]
    if any(stamp is not None and stamp[1] >= began for _, stamp, _ in files):
        return
    files += [(file, None, None) for file in dict.fromkeys(map(_absent, answer["missing"]))]
    data = marshal.dumps((files, answer), _VERSION)
    path = os.path.join(folder, f"{name}.{os.getpid()}")
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        with open(path, "xb") as file:
            try:
                file.write(zlib.crc32(data).to_bytes(4, "little") + data)
                file.flush()
                os.replace(path, os.path.join(folder, name))
            except BaseException:  # the disk is full, Ctrl-C
                os.unlink(path)
                raise
        _make_room(folder)
    except OSError:
        pass


def _has_changed(file: str, stamp: Any, digest: bytes | None) -> bool:
    """Whether a file has other contents, or is there and was not, or the other way around."""
    return _stamp(file) != stamp and (digest is None or _digest(file) != digest)


def _absent(path: str) -> str:
    """What is to be there first, if a file is to appear: it, or a folder on its way."""
    while not os.path.exists(folder := os.path.dirname(path)):
        path = folder
    return path


@functools.cache
def _readers(library: str) -> list[Any]:
    """What reads: a script may have thousands of texts, and each process looks once."""
    return [_stamp(path) for path in (library, *sorted(_READER))]


@functools.cache
def _make_room(folder: str) -> None:
    entries = [
        (it.stat().st_mtime, max(it.stat().st_size, _BLOCK), it.path) for it in os.scandir(folder)
    ]
    size = sum(entry[1] for entry in entries)
    for _, bytes_, path in sorted(entries):
        if size <= _FULL:
            return
        os.unlink(path)
        size -= bytes_


def _stamp(path: str) -> Any:
    """What changes when a file does."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _digest(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).digest()
    except OSError:
        return None
