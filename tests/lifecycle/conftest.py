"""Hosts that run a Python of their own: `host.c`, linked with each CPython that has a core here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@pytest.fixture(params=PYTHONS, ids=lambda path: Path(path).name)
def python(request, run) -> Python:
    words = run(request.param, "-c", _LIBRARY).stdout.split()
    return Python(request.param, Path(words[0], words[1]), (int(words[2]), int(words[3])))


@pytest.fixture
def host(python, run, tmp_path) -> Callable[..., list[str]]:
    """`host("open ./plugin.so | call f")`: the words that the host and its Python print.

    Nothing comes on stderr, or one line, which contains `said`.
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
        assert result.stderr.count("\n") == (said != ""), result.stderr
        assert said in result.stderr
        return list(result.stdout.split())

    return host


@pytest.fixture
def build_for(build_plugin, python) -> Callable[..., Path]:
    """`build_for(script, ...)`: a plugin for the host's Python."""
    return lambda script, *arguments, **options: build_plugin(
        script, "--python", python.executable, *arguments, **options
    )
