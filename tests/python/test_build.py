"""`epy build` and `epy stub`: what they write, and the one line that a mistake gets."""

import json
import os
import re
import sys

import pytest

from epy._command import python

SCRIPT = """
import epy
from ctypes import c_int

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""


def test_build_writes_here_unless_told_otherwise(epy, tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/synth.py").write_text(SCRIPT)
    epy("build", "scripts/synth.py")
    epy("build", "scripts/synth.py", "-o", "scripts/other.so")
    assert (tmp_path / "synth.so").is_file()
    assert sorted(os.listdir(tmp_path / "scripts")) == ["other.so", "synth.py"]
    assert epy("call", "synth.so", "add", "2", "3").stdout == "5\n"


def test_build_runs_from_memory_editable_from_the_file(epy, tmp_path):
    script = tmp_path / "synth.py"
    script.write_text("import epy\n@epy.export('int f(void)')\ndef f(): return 1\n")
    epy("build", script, "-o", "stored.so")
    epy("build", script, "-o", "editable.so", "--editable")
    script.write_text("import epy\n@epy.export('int f(void)')\ndef f(): return 2\n")
    assert epy("call", "stored.so", "f").stdout == "1\n"
    assert epy("call", "editable.so", "f").stdout == "2\n"
    assert b"return 1" not in (tmp_path / "editable.so").read_bytes()


def test_build_takes_a_package(epy, tmp_path):
    folder = tmp_path / "organ"
    (folder / "pipes").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "import epy\nfrom organ.pipes import long\n"
        "@epy.export('int feet(void)')\ndef feet(): return long.FEET\n"
    )
    (folder / "pipes/__init__.py").write_text("")
    (folder / "pipes/long.py").write_text("FEET = 32\n")
    epy("build", "organ")
    (folder / "pipes/long.py").unlink()
    assert epy("call", "organ.so", "feet").stdout == "32\n"


def test_a_script_that_changes_the_folder_moves_nothing(epy, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "include").mkdir()
    (tmp_path / "include/host.h").write_text("int f(int x);\n")
    (tmp_path / "synth.py").write_text(
        "import os\nos.chdir('elsewhere')\nimport epy\nhost = epy.header('host.h')\n"
        "@host.export\ndef f(x): return x\n"
    )
    first = epy("build", "synth.py", "-I", "include")
    assert first.stdout == "synth.py -> synth.so\n"
    epy("build", "synth.py", "-I", "include", "-o", "include/other.so")
    code = (
        "from epy._command.build import build; "
        "print(build('synth.py', 'third.so', flags=[('-I', 'include')]))"
    )
    assert run(sys.executable, "-c", code).stdout == f"{tmp_path}/third.so\n"
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.so"))
    assert found == ["include/other.so", "synth.so", "third.so"]


HEAD = "import epy\n"
BAD_SCRIPTS = {
    "def f(:\n": r"bad\.py:1: invalid syntax: def f\(:",
    "x = '\xff'\n": r"bad\.py:\d: .*(?i:utf-8)",
    "x = '\0'\n": r"bad\.py: .*null bytes",
    "import sys\nsys.exit(3)\n": r"bad\.py:2: the script exits; .*__main__",
    HEAD + "epy.export('int f(', name='f')(print)\n": r"bad\.py:2: .*prototype",
    HEAD + "@epy.export('nope f(int x)')\ndef f(x): pass\n": r"bad\.py:2: .*unknown type 'nope'",
    HEAD + "@epy.export\ndef f(x): pass\n": r"bad\.py:2: .*annotation",
    HEAD + "epy.export_address('f', 5)\nepy.export_address('f', 5)\n": r"bad\.py:3: 'f' is .*twice",
    HEAD + "epy.export_address('', 5)\n": r"bad\.py:2: '' is no name",
    HEAD + "epy.export_address('a\\0b', 5)\n": r"bad\.py:2: .*NUL",
    HEAD
    + "for i in range(1025): epy.export_address(f'f{i}', 5)\n": r"bad\.py: 1025 .*room for 1024",
    HEAD
    + "for i in range(200): epy.export_address(f'f{i:0500}', 5)\n": r"bad\.py: .*shorter names",
}


@pytest.mark.parametrize("script", BAD_SCRIPTS, ids=range(len(BAD_SCRIPTS)))
def test_a_bad_script_is_one_line(mistake, tmp_path, script):
    (tmp_path / "bad.py").write_text(script, encoding="latin-1")
    message = mistake("build", "bad.py")
    assert re.search(BAD_SCRIPTS[script], message), message
    assert os.listdir(tmp_path) == ["bad.py"]


@pytest.mark.parametrize("text", [b"import", b"x = '\0'", b"x = '\xff'"])
def test_a_module_that_nobody_imports_is_named_if_it_is_none(mistake, tmp_path, text):
    package = tmp_path / "synth"
    package.mkdir()
    (package / "__init__.py").write_text(SCRIPT)
    (package / "unused.py").write_bytes(text)
    assert mistake("build", "synth").startswith(f"{package}/unused.py:")


def test_a_script_that_raises_shows_its_traceback_first(epy, tmp_path):
    (tmp_path / "bad.py").write_text("def f():\n    return 1 / 0\nf()\n")
    result = epy("build", "bad.py", status=2)
    *traceback, last = result.stderr.splitlines()
    assert last == f"epy: {tmp_path}/bad.py:2: ZeroDivisionError: division by zero"
    assert traceback[0].startswith("Traceback")
    assert [line for line in traceback if "File" in line] == [
        f'  File "{tmp_path}/bad.py", line 3, in <module>',
        f'  File "{tmp_path}/bad.py", line 2, in f',
    ]


def test_missing_scripts_and_packages_are_one_line(mistake, tmp_path):
    (tmp_path / "folder").mkdir()
    assert "none.py" in mistake("build", "none.py")
    assert "__init__.py" in mistake("build", "folder")


def test_bad_outputs_are_one_line(mistake, tmp_path):
    script = tmp_path / "synth.py"
    script.write_text(SCRIPT)
    assert "not a file" in mistake("build", script, "-o", tmp_path)
    assert "replace its script" in mistake("build", script, "-o", script)
    helper = tmp_path / "helper.py"
    helper.write_text("X = 1\n")
    script.write_text(f"import helper\n{SCRIPT}")
    assert "replace its script" in mistake("build", script, "-o", helper)
    assert "choose another --depfile" in mistake("build", script, "--depfile", script)
    assert (script.read_text(), helper.read_text()) == (f"import helper\n{SCRIPT}", "X = 1\n")
    script.write_text(SCRIPT)
    missing = f"{tmp_path}/none/synth.so"
    assert mistake("build", script, "-o", missing).startswith(f"{missing}: No such")
    assert script.read_text() == SCRIPT


def test_a_failed_build_keeps_the_old_plugin(build_plugin, epy, tmp_path):
    plugin = build_plugin(SCRIPT)
    old = plugin.read_bytes()
    (tmp_path / "plugin.py").write_text("x = 1 / 0\n")
    epy("build", "plugin.py", status=2)
    assert plugin.read_bytes() == old


# ---- --python


def fake_python(tmp_path, *lines):
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\n" + "".join(f"printf '%s\\0' '{line}'\n" for line in lines))
    path.chmod(0o755)
    return path


SUFFIX = next(python.PACKAGE.glob("_core.*.so")).name.removeprefix("_core")
BAD_PYTHONS = {
    "missing": (None, "no such program"),
    "not a Python": ([], "does not run as a Python"),
    "without a core": (["3.99.0", ".cpython-399.so", "/p"], "no core for Python 3.99.0"),
    "static only": (["3.11.0", SUFFIX, "/p", "/nowhere/libpython3.11.so"], " libpython3.11), "),
}


@pytest.mark.parametrize("case", BAD_PYTHONS)
def test_a_bad_python_is_one_line(mistake, tmp_path, case):
    lines, message = BAD_PYTHONS[case]
    python = tmp_path / "python" if lines is None else fake_python(tmp_path, *lines)
    (tmp_path / "synth.py").write_text(SCRIPT)
    assert message in mistake("build", "synth.py", "--python", python)


def test_the_python_of_a_virtual_environment_is_kept(epy, run, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", "venv")
    (tmp_path / "synth.py").write_text(SCRIPT)
    epy("build", "synth.py", "--python", tmp_path / "venv/bin/python3")
    found = json.loads(epy("inspect", "synth.so", "--json").stdout)["python"]
    assert found["executable"] == {"path": f"{tmp_path}/venv/bin/python3", "exists": True}
    assert found["libpython"]["exists"]


# ---- stub


def test_stub_runs_the_script_beside_it(epy, run, tmp_path):
    epy("stub")
    (tmp_path / "stub.so").rename(tmp_path / "synth.so")
    (tmp_path / "synth.py").write_text(SCRIPT)
    code = "import ctypes; print(ctypes.CDLL('./synth.so').add(3, 4))"
    assert run(sys.executable, "-c", code).stdout == "7\n"
