"""gdb has its Python before it loads a reader; a preloaded library has one before gdb."""

import pytest

pytestmark = [
    pytest.mark.needs("gdb"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

PYTHON = ["python print(1 + 1)"]
AT_EXIT = ["python import atexit; atexit.register(lambda: open('ended', 'w').close())"]
EPY = ["python import ctypes; print(ctypes.CDLL('./check.so').add1(2))"]
LOOKS = ["python import sys; print((sys.prefix, sys.path, sys.argv, sys.flags))"]


@pytest.fixture
def gdb(run_host, tmp_path):
    """`gdb(command, ...)`: what they print, from a gdb that ends without a word on stderr."""

    def gdb(*commands, env=None):
        (tmp_path / "said").write_text("", encoding="utf-8")
        options = [part for command in commands for part in ("-ex", command)]
        result = run_host("gdb", "-nx", "-batch", *options, env=env)
        assert result.stderr == ""
        assert (tmp_path / "ended").exists() == (AT_EXIT[0] in commands)
        (tmp_path / "ended").unlink(missing_ok=True)
        return result.stdout.split("\n")[:-1]

    return gdb


@pytest.fixture
def said(tmp_path):
    return lambda: (tmp_path / "said").read_text().split("\n")[:-1]


def test_python_first(gdb, said, plugin, packages):
    load, unload = [f"jit-reader-load {plugin}"], ["jit-reader-unload"]
    assert gdb(*AT_EXIT, *PYTHON, *load, *PYTHON, *EPY, *unload, *PYTHON) == ["2", "2", "3", "2"]
    assert said() == [f"init {packages}", f"destroy {packages}"]
    assert gdb(*AT_EXIT, *load) == []
    assert said() == [f"init {packages}"]


def test_epy_first(gdb, said, plugin, packages, preloaded):
    load = [f"jit-reader-load {plugin}"]
    commands = [*AT_EXIT, *PYTHON, *load, *EPY, *PYTHON]
    assert gdb(*commands, env=preloaded) == ["2", "3", "2"]
    assert said() == [f"init {packages}"]
    assert gdb(*LOOKS, env=preloaded) == gdb(*LOOKS)
