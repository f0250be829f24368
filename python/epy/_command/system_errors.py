"""What is said of an error of the system that ended a command."""

from __future__ import annotations

import errno


def describe(error: OSError) -> str:
    """What and where, and what to do. "" if it was standard output, which says so itself."""
    if error.filename is None:
        if error.errno == errno.ENOENT:  # of os.getcwd: what is written is there
            return "the current folder is gone: go to one that is there"
        return "" if error.errno is not None else str(error)  # of dlopen: it names the file
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        target = error.filename if error.filename2 is None else error.filename2
        return f"{target}: {error.strerror}; make room there"
    return f"{error.filename}: {error.strerror}; check the path and its permissions"
