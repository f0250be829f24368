"""How `pip install` builds epy: with scikit-build-core, once what that takes is known to be there.

Otherwise one line says what to install, in place of a page of CMake's.
"""

import os
import shutil
import subprocess
import sys
import sysconfig

from scikit_build_core import build as _build
from scikit_build_core.build import build_sdist, get_requires_for_build_sdist

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]


def get_requires_for_build_wheel(config_settings=None):
    """The first question of pip's, before it gets CMake and runs it."""
    _check()
    return _build.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_editable(config_settings=None):
    _check()
    return _build.get_requires_for_build_editable(config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """What pip asks for at once where it is told to use what is installed."""
    _check()
    return _build.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    _check()
    return _build.build_editable(wheel_directory, config_settings, metadata_directory)


def _check():
    missing = _missing()
    if missing:
        raise SystemExit(
            f"epy: building it takes {' and '.join(missing)}: apt install g++ python3-dev "
            "libffi-dev (or the like), or install a wheel, which takes none of them: "
            "pip install --only-binary=:all: epy"
        )


def _missing():
    compiler = shutil.which(os.environ.get("CXX", "c++").split()[0]) or shutil.which("g++")
    if compiler is None:
        return ["a C++ compiler"]
    include = sysconfig.get_path("include")
    found = {
        f"the headers of Python {sys.version_info[0]}.{sys.version_info[1]}": os.path.exists(
            os.path.join(include, "Python.h")
        ),
        "the headers of libffi": _reads(compiler, "ffi.h"),
    }
    return [what for what, is_there in found.items() if not is_there]


def _reads(compiler, header):
    command = [compiler, "-E", "-x", "c++", "-"]
    return (
        subprocess.run(
            command, input=f"#include <{header}>\n".encode(), capture_output=True
        ).returncode
        == 0
    )
