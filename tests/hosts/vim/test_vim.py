"""vim runs Python itself, and loads and unloads a library with each libcall()."""

import pytest

pytestmark = [
    pytest.mark.needs("vim.nox"),
    pytest.mark.parametrize("python", ["system", "venv"], indirect=True),
]

PYTHON = ["call Say(py3eval('1 + 1'))"]
AT_EXIT = "py3 import atexit; atexit.register(lambda: open('ended', 'w').close())"
EPY = ["call Say(libcallnr('./check.so', 'add1', 2))"]
LOOKS = [
    "py3 import sys",
    "call Say(py3eval('repr((sys.prefix, sys.path, sys.argv, sys.flags))'))",
]


@pytest.fixture
def vim(run_host, tmp_path):
    """`vim(command, ...)`: what they say, from a vim that ends without a word on stderr."""

    def vim(*commands):
        script = tmp_path / "commands.vim"
        start = ["function Say(value)", "  call writefile([a:value], 'said', 'a')", "endfunction"]
        script.write_text("\n".join([*start, *commands, "qall!"]), encoding="utf-8")
        (tmp_path / "said").write_text("", encoding="utf-8")
        result = run_host("vim.nox", "-es", "-u", "NONE", "-i", "NONE", "-S", script)
        assert result.stderr == ""
        assert (tmp_path / "ended").exists() == (AT_EXIT in commands)
        return (tmp_path / "said").read_text().split("\n")[:-1]

    return vim


def test_python_first(vim):
    assert vim(AT_EXIT, *PYTHON, *EPY, *PYTHON, *EPY) == ["2", "3", "2", "3"]


def test_epy_first(vim):
    assert vim(*EPY, AT_EXIT, *PYTHON, *EPY, *PYTHON) == ["3", "2", "3", "2"]


def test_by_turns(vim):
    turns = ["for i in range(200)", *EPY, "call Say(py3eval('1 + 1'))", "endfor"]
    assert vim(*turns) == ["3", "2"] * 200


def test_python_calls_the_guest(vim):
    python = """py3eval("vim.eval('libcallnr(\\"./check.so\\", \\"add1\\", 2)')")"""
    inner = ["py3 import vim", f"call Say({python})"]
    assert vim(*inner, *EPY, *inner) == ["3", "3", "3"]


def test_each_python_looks_as_it_does_alone(vim, packages):
    alone = vim(*LOOKS)
    guest = "call Say(libcall('./check.so', 'packages', ''))"
    assert vim(guest, *LOOKS) == [packages, *alone]
    assert vim(*LOOKS, guest) == [*alone, packages]
