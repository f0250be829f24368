"""Hosts that run a Python of their own: `host.c`, linked with each CPython that has a core here."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from waits import without_waits

# This one, and those that CMake built further cores for (EPY_PYTHONS).
PYTHONS = [sys.executable, *filter(None, os.environ.get("EPY_PYTHONS", "").split(":"))]
_LIBRARY = """
import sys, sysconfig
print(*sysconfig.get_config_vars("LIBDIR", "INSTSONAME"), *sys.version_info[:2])
"""


@dataclass
class Python:
    """A CPython that the host is linked with."""

    executable: str
    library: Path
    version: tuple[int, int]


@functools.cache
def _python(executable: str) -> Python:
    words = subprocess.run(
        [executable, "-c", _LIBRARY], check=True, capture_output=True, text=True
    ).stdout.split()
    return Python(executable, Path(words[0], words[1]), (int(words[2]), int(words[3])))


OWN_LOCKS_SINCE = (3, 13)  # with a ctypes for it


def pytest_generate_tests(metafunc) -> None:
    """`python`: each, or those that a file's `SINCE` names, which is skipped where there is none.

    `kind`: the command of `host.c` that makes a sub-interpreter, each that the Python has.
    """
    if "python" not in metafunc.fixturenames:
        return
    since = getattr(metafunc.module, "SINCE", (0,))
    found = [one for one in map(_python, PYTHONS) if one.version >= since]
    names = [Path(one.executable).name for one in found]
    if not found:
        reason = f"no core for CPython {'.'.join(map(str, since))} or newer: see EPY_PYTHONS"
        metafunc.parametrize("python", [pytest.param(None, marks=pytest.mark.skip(reason=reason))])
    elif "kind" not in metafunc.fixturenames:
        metafunc.parametrize("python", found, ids=names)
    else:
        pairs = [(one, "new") for one in found]
        pairs += [(one, "own") for one in found if one.version >= OWN_LOCKS_SINCE]
        metafunc.parametrize(
            ("python", "kind"),
            pairs,
            ids=[f"{Path(one.executable).name}-{kind}" for one, kind in pairs],
        )


@pytest.fixture
def ctypes_twice(python, monkeypatch) -> None:
    """For tests of two Pythons in a process, one after the other, which import ctypes."""
    if python.version == (3, 12):
        pytest.skip("CPython 3.12 crashes without plugins when ctypes is imported again")
    if python.version >= (3, 14):
        # If `python3` is a virtual environment's, CPython's second start looks for _ctypes in it.
        folder = os.path.dirname(os.path.realpath(python.executable))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def host(python, run, tmp_path) -> Callable[..., list[str]]:
    """`host("open ./plugin.so | call f")`: the words that the host and its Python print.

    Nothing comes on stderr, or one line, which contains `said`; and what tells of a busy machine.
    """
    source = Path(__file__).with_name("host.c")
    program = tmp_path / "host"
    run(
        "cc",
        "-Wall",
        "-rdynamic",
        "-o",
        program,
        source,
        python.library,
        f"-Wl,-rpath,{python.library.parent}",
    )

    def host(commands: str, said: str = "", **options: object) -> list[str]:
        result = run(program, *commands.split(" | "), **options)
        told = without_waits(result.stderr, also=said)
        assert told.count("\n") == (said != ""), result.stderr
        assert said in told
        return list(result.stdout.split())

    return host


@pytest.fixture
def daemon_host(run, tmp_path) -> Path:
    """The program of `daemon.c`."""
    program = tmp_path / "daemon"
    run("cc", "-Wall", "-o", program, Path(__file__).with_name("daemon.c"))
    return program


@pytest.fixture
def build_for(build_plugin, python) -> Callable[..., Path]:
    """`build_for(script, ...)`: a plugin for the host's Python."""
    return lambda script, *arguments, **options: build_plugin(
        script, "--python", python.executable, *arguments, **options
    )
