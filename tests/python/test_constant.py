"""epy.constant: values that are computed at build and stored in the plugin."""

from __future__ import annotations

import json
import sys

import pytest

SCRIPT = """
import epy
from ctypes import c_int
from pathlib import Path

SOURCE = Path({folder!r}) / "numbers.txt"

@epy.constant
def NUMBERS():
    print("computed")
    return [int(line) for line in SOURCE.read_text().split()]

class Names:
    @epy.constant
    def table():
        return {{"a": (1, 2.5, 3j), b"b": {{None, True}}, "deep": [[], frozenset({{"x"}})]}}

@epy.export(error=-1)
def number(index: c_int) -> c_int:
    return NUMBERS[index]

@epy.export(error=-1)
def is_whole() -> c_int:
    return Names.table == {{
        "a": (1, 2.5, 3j), b"b": {{None, True}}, "deep": [[], frozenset({{"x"}})]
    }}
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "numbers.txt").write_text("10 20 30\n")
    return SCRIPT.format(folder=str(tmp_path))


def test_a_constant_is_read_from_the_plugin_and_not_computed_again(
    source, build_plugin, native, run, tmp_path
):
    plugin = build_plugin(source)
    (tmp_path / "numbers.txt").unlink()
    result = run(native("call"), f"open {plugin}", "int number 2", "int is_whole")
    assert result.stdout.splitlines() == ["30", "1"]
    assert result.stderr == ""


def test_an_editable_plugin_computes_its_constants(source, build_plugin, native, run, tmp_path):
    plugin = build_plugin(source, "--editable")
    (tmp_path / "numbers.txt").write_text("1 2 3\n")
    result = run(native("call"), f"open {plugin}", "int number 2", "int is_whole")
    assert result.stdout.splitlines() == ["computed", "3", "1"]


def test_constants_of_a_package_s_modules_do_not_mix(epy, native, run, tmp_path):
    package = tmp_path / "both"
    package.mkdir()
    part = "import epy\n@epy.constant\ndef VALUE():\n    assert epy.building\n    return {}\n"
    (package / "one.py").write_text(part.format(1))
    (package / "two.py").write_text(part.format(2))
    (package / "__init__.py").write_text(
        part.format(300) + "from both import one, two\nfrom ctypes import c_int\n"
        "@epy.export\ndef total() -> c_int:\n    return VALUE + 10 * one.VALUE + two.VALUE\n"
    )
    epy("build", package, "-o", tmp_path / "both.so")
    result = run(native("call"), f"open {tmp_path / 'both.so'}", "int total")
    assert result.stdout == "312\n"


def test_inspect_lists_constants(source, build_plugin, epy):
    plugin = build_plugin(source)
    assert "constants (2)\n  NUMBERS      20 bytes\n  Names.table" in epy("inspect", plugin).stdout
    found = json.loads(epy("inspect", "--json", plugin).stdout)["constants"]
    assert found[0] == {"name": "NUMBERS", "size": 20}


def test_a_script_that_python_runs_computes_its_constants(run, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import epy\n@epy.constant\ndef SUM():\n    return 1 + 2\nprint(SUM)\n")
    assert run(sys.executable, script).stdout == "3\n"


@pytest.mark.parametrize(
    ("value", "kind"),
    [("object()", "object"), ("[1, open]", "list"), ("{'f': (lambda: 0).__code__}", "dict")],
)
def test_a_value_that_cannot_be_stored_is_one_line(value, kind, tmp_path, mistake):
    script = tmp_path / "script.py"
    script.write_text(f"import epy\n\n@epy.constant\ndef TABLE():\n    return {value}\n")
    assert mistake("build", script) == (
        f"{script}:3: TABLE() returned a {kind} that cannot be stored: return None, numbers, str, "
        "bytes, and tuples, lists, dicts and sets of them"
    )


def test_two_constants_of_one_name_are_refused(tmp_path, mistake):
    script = tmp_path / "script.py"
    one = "@epy.constant\ndef TABLE():\n    return 1\n"
    script.write_text(f"import epy\n{one}{one}")
    assert "TABLE() is a constant already: use another name" in mistake("build", script)


def test_what_the_function_raises_is_a_failure_of_the_script(tmp_path, epy):
    script = tmp_path / "script.py"
    script.write_text("import epy\n@epy.constant\ndef TABLE():\n    return 1 / 0\n")
    result = epy("build", script, status=2)
    assert f"epy: {script}:4: ZeroDivisionError" in result.stderr
