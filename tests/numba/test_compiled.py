"""`epy.export(jit=True)` with numba, in an environment of its own that the first run makes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugin_scripts import COMPILED

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = (
    COMPILED
    + """
from ctypes import c_bool, c_int

@epy.export(jit=True, error=-7)
def total(n: c_int) -> c_int:
    found = 0
    for i in range(n):
        if i == 13:
            raise ValueError("thirteen")
        found += i
    return found

@epy.export(jit=True)
def fits(a: c_int) -> c_bool:
    return a < 256

@epy.export("void nothing(int a)", jit=True)
def nothing(a):
    if a:
        raise KeyError(a)

@epy.export("int wraps(int a)", jit=True)
def wraps(a):
    return (a << 40 << 23) >> 63
"""
)
OBJECTS = """
import epy

@epy.export("int objects(int a)", jit=True)
def objects(a):
    return len(repr({}) + str(a))
"""
CALLED_FROM_PYTHON = """
import epy

OFFSET = 1

@epy.export("int once(int a)", jit=True)
def once(a):
    return a + OFFSET

@epy.export("int changed(int a)")
def changed(a):
    global OFFSET
    OFFSET = 100
    return once(a)
"""
RELOADED = """
import epy

@epy.export("int version(int a)", jit=True)
def version(a):
    return a + {version}

@epy.export("int again(int a)")
def again(a):
    epy.reload()
    return 0
"""


@pytest.fixture(scope="session")
def python() -> Path:
    """A Python that has numba."""
    folder = Path(os.environ["EPY_BUILD_DIR"]) / "numba"
    python = folder / "bin" / "python"
    pinned = [
        line
        for line in (ROOT / "bench" / "requirements.txt").read_text().splitlines()
        if line.partition("==")[0] in ("llvmlite", "numba", "numpy")
    ]
    made = folder / "made-of"
    if not made.exists() or made.read_text() != "\n".join(pinned):
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([python, *install, *pinned], check=True)
        made.write_text("\n".join(pinned))
    return python


@pytest.fixture
def build(python, run, tmp_path):
    """`build(script, *arguments)`: the plugin, for the Python with numba, and what was said."""

    def build(text, *arguments):
        script = tmp_path / "plugin.py"
        script.write_text(text)
        built = run(python, "-m", "epy", "build", script, *arguments)
        return tmp_path / "plugin.so", built.stderr

    return build


def test_numbers_are_what_they_are_in_python(build, run, native):
    plugin, said = build(SCRIPT)
    assert said == ""
    result = run(
        native("call"),
        *(f"open {plugin}", "double scale 2.5 4", "int divide 7 2", "int divide -7 2"),
        *("int total 5", "int fits 255", "int fits 256", "int nothing 0", "int wraps 1"),
    )
    assert result.stdout.splitlines()[:6] == ["10", "3", "-4", "10", "1", "0"]
    assert result.stdout.splitlines()[7] == "-1"  # of 64 bits
    assert result.stderr == ""


def test_an_exception_is_reported_and_the_host_gets_the_error_value(build, run, native):
    plugin, _ = build(SCRIPT)
    result = run(
        native("call"), f"open {plugin}", "int divide 1 0", "int total 20", "int nothing 3"
    )
    assert result.stdout.splitlines()[:2] == ["-1", "-7"]
    for line in ("    return a // b", "ValueError: thirteen", "KeyError: 3"):
        assert line in result.stderr
    assert result.stderr.count("Traceback") == 3


def test_calls_are_machine_code(build, run, native):
    # Of a global, compiled code has what it was at first; the Python function has it as it is.
    plugin, _ = build(CALLED_FROM_PYTHON)
    result = run(native("call"), f"open {plugin}", "int once 1", "int changed 1", "int once 1")
    assert result.stdout.splitlines() == ["2", "101", "2"]


def test_threads_call_it(build, run, native):
    plugin, _ = build(SCRIPT)
    result = run(native("call"), f"open {plugin}", "threads 8 int divide 9 2")
    assert result.stdout.splitlines() == ["4"] * 8
    assert "Traceback" not in result.stderr  # a busy machine lets threads wait, which is said


def test_what_numba_cannot_compile_runs_as_python(build, run, native):
    plugin, said = build(OBJECTS)
    assert said.startswith(f"epy: {plugin.with_suffix('.py')}:4: objects() runs as Python, not ")
    assert said.count("\n") == 1
    result = run(native("call"), f"open {plugin}", "int objects 12")
    assert result.stdout.splitlines() == ["4"]
    assert result.stderr == ""


def test_a_plugin_for_numba_runs_without_it(build, run, native):
    plugin, _ = build(SCRIPT)
    result = run(
        native("call"), f"open {plugin}", "int divide 7 2", env={"EPY_PYTHON": sys.executable}
    )
    assert result.stdout.splitlines() == ["3"]
    assert result.stderr == ""


def test_a_trace_has_its_calls(build, run, native, tmp_path):
    plugin, _ = build(SCRIPT)
    trace = tmp_path / "trace.json"
    run(native("call"), f"open {plugin}", "int divide 7 2", env={"EPY_TRACE": str(trace)})
    assert "divide" in trace.read_text()


def test_a_reload_compiles_the_new_code(build, run, native, tmp_path):
    plugin, _ = build(RELOADED.format(version=1), "--editable")
    script = tmp_path / "plugin.py"
    (tmp_path / "new.py").write_text(RELOADED.format(version=2))
    result = run(
        native("call"),
        *(f"open {plugin}", "int version 1", f"rename {tmp_path}/new.py {script}"),
        *("int again 0", "int version 1"),
    )
    assert result.stdout.splitlines() == ["2", "0", "3"]


def test_a_plugin_that_follows_edits_runs_as_python(build, run, native):
    plugin, said = build(CALLED_FROM_PYTHON, "--reload")
    assert said == ""
    result = run(native("call"), f"open {plugin}", "int changed 1", "int once 1")
    assert result.stdout.splitlines() == ["101", "101"]
    assert result.stderr == ""


def test_a_plugin_can_be_unloaded_and_loaded_again(build, run, native):
    plugin, _ = build(SCRIPT)
    result = run(
        native("call"),
        *(f"open {plugin}", "int divide 7 2", "close", f"open {plugin}", "int divide 9 2"),
    )
    assert result.stdout.splitlines() == ["3", "4"]
    assert result.stderr == ""
