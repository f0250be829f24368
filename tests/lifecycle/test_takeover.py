"""Hosts that initialize the Python which a plugin of epy has started, for every CPython at hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
# This one, and those that CMake built further cores for.
PYTHONS = [sys.executable, *filter(None, os.environ.get("EPY_PYTHONS", "").split(":"))]
_QUESTION = """
import sysconfig
get = sysconfig.get_config_var
print(sysconfig.get_path("include"), get("LIBDIR"), get("LDVERSION"), sep="\\n")
"""


class Python(NamedTuple):
    """A CPython with its headers and library."""

    executable: str
    flags: list[str]


@pytest.fixture(params=PYTHONS, ids=lambda path: Path(path).resolve().name)
def python(request: pytest.FixtureRequest, run: Callable[..., object]) -> Python:
    answer = run(request.param, "-I", "-c", _QUESTION).stdout.split("\n")
    include, folder, version = answer[:3]
    flags = [f"-I{include}", f"-L{folder}", f"-Wl,-rpath,{folder}", f"-lpython{version}"]
    return Python(request.param, flags)


@pytest.fixture
def compile_host(run, tmp_path) -> Callable[..., Path]:
    """`compile_host("order", *flags)`: the program, or with -shared the library, of that C file."""

    def compile_host(name: str, *flags: str) -> Path:
        made = tmp_path / f"lib{name}.so" if "-shared" in flags else tmp_path / name
        run("cc", "-Wall", "-g", "-o", made, HERE / f"{name}.c", *flags)
        return made

    return compile_host


ADD = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""


@pytest.fixture
def order(build_plugin, compile_host, python, run):
    """`order("plpython", step, ...)`: what a host prints that uses that library and a plugin."""

    def order(library, *steps, script=ADD, **options):
        plugin = build_plugin(script, "--python", python.executable)
        host = compile_host("order", "-pthread")
        library = compile_host(library, "-shared", "-fPIC", *python.flags)
        result = run(host, plugin, library, *steps, **options)
        assert result.stderr == ""
        return result.stdout.splitlines()

    return order


@pytest.mark.parametrize("first", ["plugin", "thread"])
def test_a_library_that_keeps_the_lock_after_a_plugin(order, first):
    steps = [first, "open", "work", "plugin", "work"]
    assert order("plpython", *steps) == ["plugin 5", "work 42", "plugin 5", "work 42"]


def test_a_library_that_keeps_the_lock_before_a_plugin(order):
    steps = ["open", "work", "plugin", "work"]
    assert order("plpython", *steps) == ["work 42", "plugin 5", "work 42"]
