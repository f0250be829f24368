"""`epy.export(jit=True)` where there is no numba; tests/numba has the rest."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from plugin_scripts import COMPILED

PYTHONS_OWN = """
import epy

class Adder:
    def __call__(self, a, b):
        return a + b

epy.export("int add(int, int)", name="add", jit=True)({made})
"""


@pytest.fixture(autouse=True)
def without_numba():
    assert importlib.util.find_spec("numba") is None, "the tests' environment has numba"


def test_without_numba_functions_run_as_python_and_one_line_says_so(tmp_path, epy, run, native):
    script = tmp_path / "synth.py"
    script.write_text(COMPILED)
    built = epy("build", script)
    assert built.stderr == (
        f"epy: {script}:4: scale() runs as Python, not compiled: {sys.executable} does not have "
        "numba, which jit=True needs\n"
    )
    result = run(
        native("call"), "open ./synth.so", "double scale 2.5 4", "int divide 7 2", "int divide 1 0"
    )
    assert result.stdout.splitlines() == ["10", "3", "-1"]
    assert "ZeroDivisionError" in result.stderr
    assert "compiled" not in result.stderr


def test_a_running_plugin_says_so_when_it_is_asked(build_plugin, run, native):
    plugin = build_plugin(COMPILED)
    result = run(native("call"), f"open {plugin}", "double scale 2.5 4", env={"EPY_LOG": "info"})
    assert result.stderr.count("runs as Python, not compiled:") == 2


def test_another_type_than_numbers_is_refused(tmp_path, mistake):
    script = tmp_path / "text.py"
    script.write_text('import epy\n@epy.export("int f(char *)", jit=True)\ndef f(a):\n  return 0\n')
    assert mistake("build", script) == (
        f"{script}:2: f() jit=True compiles functions of numbers alone, and its prototype has "
        "another type: leave jit= out, or pass numbers"
    )


@pytest.mark.parametrize(("made", "kind"), [("Adder()", "Adder"), ("max", "builtin_function")])
def test_what_is_not_written_in_python_is_refused(made, kind, tmp_path, mistake):
    script = tmp_path / "other.py"
    script.write_text(PYTHONS_OWN.format(made=made))
    message = mistake("build", script)
    assert f"jit=True compiles Python functions, and this is a {kind}" in message
