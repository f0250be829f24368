"""lldb has its Python when it begins to read commands; a preloaded library has one before lldb."""

import glob

import pytest

LIBRARIES = "/usr/lib/llvm-*/lib/python3*/*-packages/lldb/embedded_interpreter.py"

pytestmark = [
    pytest.mark.needs("lldb", LIBRARIES),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

PYTHON = "script print(1 + 1)"
AT_EXIT = "script import atexit; end = atexit.register(lambda: open('ended', 'w').close())"
EPY = "script import ctypes; print(ctypes.CDLL('./check.so').add1(2))"
LOOKS = "script import sys; print((sys.prefix, sys.path, sys.argv, sys.flags))"


@pytest.fixture
def lldb(run_host, tmp_path):
    """`lldb(command, ...)`: what they print, and whether exit functions run; nothing on stderr."""

    def lldb(*commands, env=None):
        (tmp_path / "said").write_text("", encoding="utf-8")
        options = [part for command in commands for part in ("-o", command)]
        # Debian's lldb looks elsewhere for its own package.
        own = glob.glob(LIBRARIES)[0].partition("/lldb/")[0]
        result = run_host(
            "lldb", "--no-lldbinit", "--batch", *options, env={"PYTHONPATH": own, **(env or {})}
        )
        assert result.stderr == ""
        ended = (tmp_path / "ended").exists()
        (tmp_path / "ended").unlink(missing_ok=True)
        answers = result.stdout.split("\n")[:-1]
        return [line for line in answers if not line.startswith("(lldb)")], ended

    return lldb


@pytest.fixture
def said(tmp_path):
    return lambda: (tmp_path / "said").read_text().split("\n")[:-1]


def test_python_first(lldb, said, plugin, packages):
    load = f"plugin load {plugin}"
    ends = lldb(AT_EXIT)[1]
    assert lldb(AT_EXIT, PYTHON, load, PYTHON, EPY, PYTHON) == (["2", "2", "3", "2"], ends)
    assert said() == [f"initialize {packages}"]
    assert lldb(AT_EXIT, load) == ([], ends)
    assert said() == [f"initialize {packages}"]


def test_epy_first(lldb, said, plugin, packages, preloaded):
    commands = [AT_EXIT, PYTHON, f"plugin load {plugin}", EPY, PYTHON]
    ends = lldb(AT_EXIT)[1]
    assert lldb(*commands, env=preloaded) == (["2", "3", "2"], ends)
    assert said() == [f"initialize {packages}"]
    assert lldb(LOOKS, env=preloaded) == lldb(LOOKS)
