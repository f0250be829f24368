"""`epy doctor`: what a plugin would find, and what to do where something is missing."""

import shutil
import sys

import pytest

SCRIPT = 'import epy\n@epy.export("int answer(void)")\ndef answer():\n    return 42\n'


@pytest.fixture
def doctor(epy):
    """`doctor(...)`: its lines; `wrong` are those that need somebody, each with its remedy."""

    def doctor(*arguments, wrong=False):
        lines = epy("doctor", *arguments, status=int(wrong)).stdout.splitlines()
        assert all(line[:2] in ("ok", "!!", "  ") for line in lines[:-1])
        assert (lines[-1] == "all is well") is not wrong
        return lines

    return doctor


def problems(lines):
    """(what was looked at, what is wrong, what to do)"""
    found = [(line, lines[i + 1]) for i, line in enumerate(lines) if line.startswith("!!")]
    split = [(line[4:].partition("  "), remedy.strip()) for line, remedy in found]
    return [(what, text.strip(), remedy[3:]) for (what, _, text), remedy in split]


def test_a_machine_that_has_it_all(doctor):
    lines = doctor()
    assert [line.split()[1] for line in lines[:-1]] == ["machine", "epy", "Python", "headers"]


def test_a_plugin_that_has_it_all(doctor, build_plugin):
    lines = doctor(build_plugin(SCRIPT), "--host", "sqlite3")
    assert any("its core" in line for line in lines)
    assert lines[-2].split() == ["ok", "host", shutil.which("sqlite3")]


def test_a_host_with_a_python_of_its_own(doctor, build_plugin):
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    lines = doctor(build_plugin(SCRIPT), "--host", "gdb")
    assert any(f"libpython{version}.so" in line and "joins" in line for line in lines)
    assert lines[-2].startswith("ok  the core for it")


def test_a_file_that_is_no_plugin(doctor, tmp_path):
    (tmp_path / "plugin.so").write_text("no plugin")
    (problem,) = problems(doctor("plugin.so", wrong=True))
    assert problem == ("plugin", "plugin.so: not an ELF file", "`epy build` makes plugins")


def test_a_file_that_is_missing(doctor):
    (problem,) = problems(doctor("plugin.so", wrong=True))
    assert problem[1:] == (
        "plugin.so: No such file or directory",
        "check the path and its permissions",
    )


def test_a_virtual_environment_that_is_gone(doctor, tmp_path, build_plugin):
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    (environment / "bin" / "python").symlink_to(f"{sys.base_prefix}/bin/python3")
    plugin = build_plugin(SCRIPT, "--python", str(environment / "bin" / "python"))
    assert doctor(plugin)
    (environment / "pyvenv.cfg").write_text("home = /no/such/bin\n")
    (problem,) = problems(doctor(plugin, wrong=True))
    assert problem == (
        "its packages",
        f"{environment}: the Python it was made of, /no/such/bin, is gone",
        "make the virtual environment again, and build",
    )
    shutil.rmtree(environment)
    (problem,) = problems(doctor(plugin, wrong=True))
    assert problem[1:] == (
        f"{environment}/bin/python is missing",
        "build again with --python PATH",
    )


def test_an_editable_script_that_is_gone(doctor, build_plugin, tmp_path):
    plugin = build_plugin(SCRIPT, "--editable")
    (tmp_path / "plugin.py").unlink()
    (problem,) = problems(doctor(plugin, wrong=True))
    assert problem[1:] == (
        f"{tmp_path}/plugin.py is missing",
        "build without --editable, or put it back",
    )


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("ldconfig", " is linked statically"),
        ("ldd", " is a script: #!/bin/bash"),
        ("no-such-host", "no-such-host: no such program"),
    ],
)
def test_hosts_that_load_nothing(doctor, build_plugin, host, problem):
    (found,) = problems(doctor(build_plugin(SCRIPT), "--host", host, wrong=True))
    assert found[0] == "host" and found[1].endswith(problem) and found[2]
