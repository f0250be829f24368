"""`epy doctor`: what a plugin would find, and what to do where something is missing."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from epy import Error
from epy._command import linker

pytestmark = pytest.mark.usefixtures("no_python_named")

PACKAGE = Path(os.environ["EPY_BUILD_DIR"]) / "python/epy"
LIBPYTHON = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"

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
    assert [line.split()[1] for line in lines[:-1]] == [
        *("machine", "epy", "Python", "headers", "callbacks")
    ]


# The system maps no memory any more that is all of what `rights` says, here and in programs below.
FORBID = """
import ctypes, os, struct, sys
from epy._command.doctor import examine, render

def forbid(rights):
    load, equal, both, give = 0x20, 0x15, 0x54, 0x06
    refuse, allow = 0x00050000 | 13, 0x7FFF0000
    code = [(load, 0, 0, 0), (equal, 0, 4, 9), (load, 0, 0, 32), (both, 0, 0, rights),
            (equal, 0, 1, rights), (give, 0, 0, refuse), (give, 0, 0, allow)]
    lines = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(lines))
    libc = ctypes.CDLL(None)
    assert libc.prctl(38, 1, 0, 0, 0) == libc.prctl(22, 2, program, 0, 0) == 0  # seccomp

"""
WRITE, EXECUTE = 2, 4


def test_a_system_that_forbids_memory_which_is_written_and_run(run):
    again = "os.execv(sys.executable, [sys.executable, '-m', 'epy', 'doctor'])"
    lines = run(sys.executable, "-c", f"{FORBID}forbid({WRITE | EXECUTE})\n{again}").stdout
    (line,) = (it for it in lines.splitlines() if "callbacks" in it)
    assert line.startswith("ok") and line.endswith("is forbidden here (W^X)")


def test_a_system_that_lets_no_code_be_mapped(run):
    look = "print(render(examine(None, None)))"
    lines = run(sys.executable, "-c", f"{FORBID}forbid({EXECUTE})\n{look}").stdout.splitlines()
    assert problems(lines)[-1] == (  # behind what programs say that cannot start there
        "callbacks",
        "no code for them can be mapped; memory that is written and run is forbidden here (W^X)",
        "let this program map files as code (SELinux, seccomp, a mount with noexec)",
    )


def test_a_plugin_that_has_it_all(doctor, build_plugin):
    lines = doctor(build_plugin(SCRIPT), "--host", "sqlite3")
    assert any("its core" in line for line in lines)
    assert lines[-2].split() == ["ok", "host", shutil.which("sqlite3")]


def test_a_host_with_a_python_of_its_own(doctor, build_plugin, run):
    ask = "python import sys; print('%d.%d' % sys.version_info[:2])"
    version = run("gdb", "--batch", "--nx", "-ex", ask).stdout.strip()
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
    assert problem == (
        "its Python",
        f"its Python is gone: no file {environment}/bin/python",
        "make that virtual environment again, build the plugin again, or name another Python with "
        "EPY_PYTHON",
    )


# Where the plugin looks, in the documented order.


def trail(lines, what):
    """The lines below that of a finding."""
    start = next(i for i, line in enumerate(lines) if line[4:].startswith(what)) + 1
    found = []
    while lines[start].startswith("    "):
        found.append(lines[start].strip())
        start += 1
    return found


def test_the_way_to_what_is_taken_at_once(doctor, build_plugin, tmp_path):
    lines = doctor(build_plugin(SCRIPT))
    assert trail(lines, "its loader") == [
        f"beside the plugin: {tmp_path}/epy/libepy.so: no such file",
        f"where it was built: {PACKAGE}/libepy.so, taken",
    ]
    assert trail(lines, "its Python") == ["that it was built for"]


def test_the_way_to_what_lies_beside_the_plugin(doctor, build_plugin, tmp_path):
    plugin = build_plugin(SCRIPT)
    shutil.copytree(PACKAGE, tmp_path / "epy")
    (tmp_path / "epy/python/lib").mkdir(parents=True)
    lines = doctor(plugin)
    assert any(
        line.split() == ["ok", "its", "loader", f"{tmp_path}/epy/libepy.so"] for line in lines
    )
    assert trail(lines, "its loader") == ["beside the plugin"]
    assert trail(lines, "its Python") == [
        f"beside the plugin: no libpython3.*.so.1.0 in {tmp_path}/epy/python/lib",
        f"that it was built for: {LIBPYTHON}, taken",
    ]


def test_the_way_by_the_environment(epy, build_plugin, tmp_path):
    plugin = build_plugin(SCRIPT)
    home = {"EPY_HOME": str(tmp_path), "EPY_PYTHON": "/no/such/python"}
    lines = epy("doctor", plugin, env=home, status=1).stdout.splitlines()
    assert trail(lines, "its loader")[1] == f"EPY_HOME: {tmp_path}/libepy.so: no such file"
    (problem,) = problems(lines)
    assert problem[0] == "its Python" and "EPY_PYTHON names /no/such/python" in problem[1]
    assert "unset EPY_PYTHON" in problem[2]


def test_the_way_of_a_standalone_plugin(doctor, build_plugin):
    lines = doctor(build_plugin(SCRIPT, "--standalone"))
    assert trail(lines, "its loader")[-1].startswith("in the plugin: ")
    found = trail(lines, "its Python")
    assert found[-1].endswith("taken") or found[-1] in ("on PATH", "of the system")


def test_a_bundle_that_was_cut_short(doctor, epy, build_plugin, tmp_path):
    epy("bundle", build_plugin(SCRIPT), "-o", "sent")
    assert doctor("sent/plugin.so")
    with open(tmp_path / "sent/epy/libepy.so", "r+b") as file:
        file.truncate(100)
    (problem,) = problems(doctor("sent/plugin.so", wrong=True))
    assert problem == (
        "its loader",
        f"{tmp_path}/sent/epy/libepy.so is not what 'epy bundle' wrote",
        "copy the whole folder again, or make it again with 'epy bundle'",
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


def test_libraries_of_a_host_may_lie_anywhere(doctor, build_plugin, monkeypatch, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    os.mkdir(folder)
    shutil.copy("/lib/x86_64-linux-gnu/libm.so.6", folder)
    monkeypatch.setenv("LD_LIBRARY_PATH", folder)
    assert not problems(doctor(build_plugin(SCRIPT), "--host", "sqlite3"))


@pytest.mark.parametrize("size", [4, 5, 18, 19])
def test_a_host_that_is_the_beginning_of_a_program(doctor, build_plugin, tmp_path, size):
    host = tmp_path / "host"
    host.write_bytes(b"\x7fELF\2\1\1".ljust(size, b"\0")[:size])
    host.chmod(0o755)
    (found,) = problems(doctor(build_plugin(SCRIPT), "--host", str(host), wrong=True))
    assert found[1] == f"{host} is no program for x86-64"


def test_a_program_whose_file_does_not_answer_is_one_line(monkeypatch, tmp_path):
    os.mkfifo(tmp_path / "host")
    monkeypatch.setattr(linker, "_LIMIT", 0.1)
    with pytest.raises(Error, match=r"host: /.* --list does not end: is it on a file"):
        linker.libraries_of(tmp_path / "host")
