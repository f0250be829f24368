"""Which Python a plugin is stamped with.

The interpreter is asked, not guessed at: it is run once, isolated, so that a virtual
environment, a shim on PATH and another version all answer for themselves.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from .._errors import PythonNotFoundError
from .._file.tables import PACKAGE
from .search import command_for_library

# With a NUL behind each, for paths are any bytes but that: version, core's suffix, executable, then
# candidates for libpython.
_QUESTION = """
import os, sys, sysconfig
def answer(text):
    sys.stdout.buffer.write(os.fsencode(text or "") + b"\\0")
get = sysconfig.get_config_var
version = "%d.%d" % sys.version_info[:2]
abi = getattr(sys, "abiflags", "")
answer("%d.%d.%d" % sys.version_info[:3])
answer(get("EXT_SUFFIX"))
answer(sys.executable)
folders = [get("LIBDIR"), sys.base_prefix + "/lib"]
names = [get("INSTSONAME"), get("LDLIBRARY")]
names += ["libpython" + version + abi + end for end in (".so.1.0", ".so")]
for folder in folders:
    for name in names:
        if folder and name and ".so" in name:
            answer(folder + "/" + name)
"""
_TIMEOUT = 30  # seconds: whatever --python names may not be a Python at all


class Python(NamedTuple):
    """A Python that plugins can start."""

    version: str
    executable: str
    libpython: str


def find(path: str | None = None) -> Python:
    """The Python at `path`, or the one that runs this."""
    wanted = path or sys.executable
    executable = shutil.which(wanted)
    if executable is None:
        raise PythonNotFoundError(
            f"{wanted or 'sys.executable'}: no such program; name a Python with --python PATH"
        )
    version, suffix, executable, *candidates = _ask(executable)
    # A debugging build ("cpython-311d") takes the extensions of the others.
    names = (suffix, re.sub(r"(-\d+t?)d-", r"\1-", suffix))
    if not any((PACKAGE / f"_core{name}").is_file() for name in names):
        raise PythonNotFoundError(
            f"{executable}: epy has no core for Python {version} here; "
            f"install epy into that Python and build with `{executable} -m epy build`"
        )
    for candidate in candidates:
        if Path(candidate).is_file():
            return Python(version, executable, candidate)
    install = command_for_library(version.rpartition(".")[0])
    raise PythonNotFoundError(
        f"{executable}: Python {version} without a shared libpython; install that ({install}), "
        "or choose a Python built with --enable-shared"
    )


def _ask(executable: str) -> list[str]:
    try:
        answer = subprocess.run(
            [executable, "-I", "-S", "-c", _QUESTION],
            capture_output=True,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        answer = None
    found = os.fsdecode(answer.stdout).split("\0")[:-1] if answer else []
    if len(found) < 3:
        raise PythonNotFoundError(
            f"{executable}: does not run as a Python 3; name another one with --python PATH"
        )
    return found
