"""Where a plugin finds its loader and its Python: in order, and what it says where nothing is."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from epy._file.elf import Image
from epy._file.tables import Tables

pytestmark = pytest.mark.usefixtures("no_python_named")

PACKAGE = Path(os.environ["EPY_BUILD_DIR"]) / "python/epy"
LIBPYTHON = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"
VERSION = "{}.{}".format(*sys.version_info)
INFO = {"EPY_LOG": "info"}
CALL = "int add 2 3"
SCRIPT = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export("const char *folder(void)")
def folder():
    return epy.__file__.rpartition("/")[0].encode()
"""
HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
    const char *(*folder)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "folder") : NULL;
    const char *found = folder ? folder() : NULL;
    printf("%d %s\\n", add ? add(2, 3) : -2, found ? found : "");
    return 0;
}
"""


def gone(plugin: Path, *paths: str | Path) -> Path:
    """The plugin, after what it was built with has gone from there."""
    data = plugin.read_bytes()
    for path in map(str, paths):
        data = data.replace(path.encode(), (path[:-4] + "gone").encode())
    image = Image(bytearray(data), str(plugin))
    Tables(image).stamp_checksums()
    plugin.write_bytes(image.data)
    return plugin


def copy_epy(folder: Path) -> Path:
    shutil.copytree(PACKAGE, folder)
    return folder


# The loader.


def test_what_lies_beside_the_plugin_is_taken_first(build_plugin, native, run, tmp_path):
    plugin = build_plugin(SCRIPT)
    folder = copy_epy(tmp_path / "epy")
    result = run(native("call"), f"open {plugin}", "text folder", env=INFO)
    assert result.stdout == f"{folder}\n"
    assert f"runs with the epy in {folder}, not the one that built it" in result.stderr


def test_epy_home_names_a_folder_of_epys(build_plugin, native, run, tmp_path):
    plugin = build_plugin(SCRIPT)
    folder = copy_epy(tmp_path / "another")
    result = run(native("call"), f"open {plugin}", "text folder", env={"EPY_HOME": str(folder)})
    assert (result.stdout, result.stderr) == (f"{folder}\n", "")


def test_that_of_a_python_on_path_is_taken_where_the_stamped_one_has_gone(
    build_plugin, native, run, tmp_path
):
    plugin = gone(build_plugin(SCRIPT), PACKAGE / "libepy.so")
    folder = copy_epy(tmp_path / f"venv/lib/python{VERSION}/site-packages/epy")
    path = f"/nowhere:{tmp_path}/venv/bin:{os.environ['PATH']}"
    result = run(native("call"), f"open {plugin}", "text folder", env={**INFO, "PATH": path})
    assert result.stdout == f"{folder}\n"
    (line,) = [line for line in result.stderr.splitlines() if ", not the one " in line]
    assert str(folder) in line and "gone" in line


def test_that_of_the_usual_prefixes_is_taken_where_path_has_none(build_plugin, compile_c, machine):
    plugin = gone(build_plugin(SCRIPT), LIBPYTHON)
    folder = f"/usr/local/lib/python{VERSION}/site-packages/epy"
    shutil.copytree(PACKAGE, machine.root / folder.lstrip("/"))
    machine.add_python()
    result = machine.run(machine.add(compile_c(HOST), "/host"), machine.add(plugin))
    assert (result.stdout, result.stderr) == (f"5 {folder}\n", "")


def test_a_loader_for_other_plugins_is_passed_over_unopened(build_plugin, native, run, tmp_path):
    plugin = build_plugin(SCRIPT)
    folder = copy_epy(tmp_path / "epy")
    with open(folder / "libepy.so", "rb") as file:
        elf = ELFFile(file)
        (symbol,) = elf.get_section_by_name(".dynsym").get_symbol_by_name("epy_loader")
        section = elf.get_section(symbol["st_shndx"])
        offset = symbol["st_value"] - section["sh_addr"] + section["sh_offset"]
    data = bytearray((folder / "libepy.so").read_bytes())
    data[offset : offset + 8] = bytes([98, 0, 0, 0, 99, 0, 0, 0])  # oldest and newest contract
    (folder / "libepy.so").write_bytes(data)
    result = run(native("call"), f"open {plugin}", "text folder")
    assert (result.stdout, result.stderr) == (f"{PACKAGE}\n", "")

    # Where there is no other.
    gone(plugin, PACKAGE / "libepy.so")
    path = {"PATH": "/nowhere"}
    result = run(native("call"), f"open {plugin}", CALL, CALL, env=path)
    assert result.stdout == "-1\n-1\n"
    (line,) = result.stderr.splitlines()
    for part in ("cannot open epy's loader", "gone", "beside the plugin", "PATH", "/usr/local"):
        assert part in line


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", b"no library at all"])
def test_what_is_no_loader_is_passed_over(build_plugin, native, run, tmp_path, damage):
    plugin = build_plugin(SCRIPT)
    (tmp_path / "epy").mkdir()
    (tmp_path / "epy/libepy.so").write_bytes(damage)
    result = run(native("call"), f"open {plugin}", "text folder")
    assert (result.stdout, result.stderr) == (f"{PACKAGE}\n", "")


@pytest.fixture
def restricted():
    """What a command begins with, so that it may read only what its user may: also root's."""
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}"] if os.geteuid() == 0 else []


@pytest.mark.parametrize("hidden", ["private", "private/epy/libepy.so"])
def test_what_the_hosts_user_may_not_read_is_told(native, run, tmp_path, restricted, hidden):
    copy_epy(tmp_path / "private/epy")
    script = tmp_path / "plugin.py"
    script.write_text(SCRIPT)
    path = {"PYTHONPATH": str(tmp_path / "private")}
    run(sys.executable, "-m", "epy", "build", script, env=path)
    (tmp_path / hidden).chmod(0)
    try:
        command = [*restricted, native("call"), f"open {tmp_path}/plugin.so", CALL]
        result = run(*command, env={"PATH": "/usr/bin:/bin"})
    finally:
        (tmp_path / hidden).chmod(0o700)
    assert result.stdout == "-1\n"
    (line,) = result.stderr.splitlines()
    assert f"{tmp_path}/private/epy/libepy.so cannot be read: Permission denied" in line
    assert line.endswith("build the plugin again with 'epy build --standalone', which needs no epy")


# Python.


def test_a_python_that_the_hosts_user_may_not_look_at_is_told(native, run, tmp_path, restricted):
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    script = tmp_path / "plugin.py"
    script.write_text(SCRIPT)
    run(tmp_path / "venv/bin/python", "-m", "epy", "build", script)
    (tmp_path / "venv").chmod(0)
    try:
        result = run(*restricted, native("call"), f"open {tmp_path}/plugin.so", CALL)
    finally:
        (tmp_path / "venv").chmod(0o700)
    assert result.stdout == "-1\n"
    (line,) = result.stderr.splitlines()
    assert f"{tmp_path}/venv/bin/python, is in a folder that the host's user may not search" in line


def test_that_on_path_is_taken_where_the_stamped_one_has_gone(build_plugin, native, run, tmp_path):
    plugin = gone(build_plugin(SCRIPT), LIBPYTHON)
    quiet = run(native("call"), f"open {plugin}", CALL)
    assert (quiet.stdout, quiet.stderr) == ("5\n", "")
    result = run(native("call"), f"open {plugin}", CALL, env=INFO)
    (line,) = [line for line in result.stderr.splitlines() if ", not the one " in line]
    assert f"starts the Python in {LIBPYTHON}, not the one it was built for" in line


def test_no_program_is_run_to_find_it(build_plugin, native, run, tmp_path):
    plugin = gone(build_plugin(SCRIPT), LIBPYTHON)
    (tmp_path / "bin").mkdir()
    for name in (f"python{VERSION}", "python3", "python"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
        (tmp_path / "bin" / name).chmod(0o755)
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    assert run(native("call"), f"open {plugin}", CALL, env=path).stdout == "5\n"
    assert not (tmp_path / "ran").exists()


def test_a_virtual_environment_on_path_brings_its_packages(build_plugin, native, run, tmp_path):
    plugin = gone(
        build_plugin(SCRIPT + "\n@epy.export\ndef one() -> c_int:\n    import found; return 1\n"),
        LIBPYTHON,
        sys.executable,
    )
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "found.py").write_text("")
    path = {"PATH": f"{tmp_path}/venv/bin:{os.environ['PATH']}"}
    assert run(native("call"), f"open {plugin}", "int one", env=path).stdout == "1\n"


def test_what_lies_beside_the_plugin_may_be_a_python(build_plugin, native, run, tmp_path):
    plugin = build_plugin(SCRIPT)
    library = tmp_path / "epy/python/lib" / Path(LIBPYTHON).name
    library.parent.mkdir(parents=True)
    shutil.copy(LIBPYTHON, library)
    (library.parent / f"python{VERSION}").symlink_to(sysconfig.get_path("stdlib"))
    result = run(native("call"), f"open {plugin}", CALL, env=INFO)
    assert result.stdout == "5\n"
    assert f"starts the Python in {library}" in result.stderr


@pytest.fixture
def at_home(machine, build_plugin, compile_c):
    """`at_home(*, path)`: the one line of a host on a machine that has epy, and what the test
    puts there of a Python."""
    plugin = build_plugin(SCRIPT)
    host = machine.add(compile_c(HOST), "/host")
    shutil.copytree(PACKAGE, machine.root / str(PACKAGE).lstrip("/"))

    def at_home(**env):
        result = machine.run(host, machine.add(plugin), env=env)
        assert result.stdout == "-1 \n"
        (line,) = result.stderr.splitlines()
        return line

    return at_home


def test_a_machine_without_python_is_told_what_to_install(at_home):
    line = at_home()
    assert f"no file {LIBPYTHON}" in line
    assert f"no libpython{VERSION}.so.1.0" in line
    assert f"apt install libpython{VERSION}" in line and "EPY_PYTHON" in line


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ("ID=debian", f"apt install libpython{VERSION}"),
        ("NAME=x\nID='linuxmint'\nID_LIKE=\"ubuntu debian\"", f"apt install libpython{VERSION}"),
        ("ID=fedora", f"dnf install 'libpython{VERSION}.so.1.0()(64bit)'"),
        (
            'ID="almalinux"\nID_LIKE="rhel centos fedora"\n',
            f"dnf install 'libpython{VERSION}.so.1.0()(64bit)'",
        ),
        (
            'ID="opensuse-leap"\nID_LIKE="suse opensuse"',
            f"zypper install 'libpython{VERSION}.so.1.0()(64bit)'",
        ),
        ("ID=arch", "pacman -S python"),
        ("ID=void", f"on Debian: apt install libpython{VERSION}"),
        ("", f"on Debian: apt install libpython{VERSION}"),
    ],
)
def test_what_to_install_is_said_as_the_system_s_own_command(machine, at_home, release, command):
    (machine.root / "etc").mkdir()
    (machine.root / "etc/os-release").write_text(release)
    assert f"; install it ({command}), or name another" in at_home()


def test_a_python_without_a_shared_library_is_named(machine, at_home):
    machine.add("/bin/true", f"/opt/bin/python{VERSION}")
    line = at_home(PATH="/opt/bin")
    assert (
        f"/opt/bin/python{VERSION} has no shared libpython (on Debian: apt install libpython"
        in line
    )


def test_a_python_that_is_too_old_is_named(machine, at_home):
    machine.add("/bin/true", "/usr/lib/x86_64-linux-gnu/libpython3.9.so.1.0")
    assert "epy has no core for /usr/lib/x86_64-linux-gnu/libpython3.9.so.1.0" in at_home()


OLD = """
const char *Py_GetVersion(void) { return "3.8.18 (default, May  9 2026, 07:33) \\n[GCC 12.2.0]"; }
int Py_IsInitialized(void) { return 0; }
"""


def test_a_python_that_was_chosen_and_is_too_old_is_one_line(
    build_plugin, native, run, compile_c, tmp_path
):
    """Its version is two lines, as that of Pythons before 3.10 is."""
    (tmp_path / "old/bin").mkdir(parents=True)
    (tmp_path / "old/lib/python3.8").mkdir(parents=True)
    (tmp_path / "old/lib/python3.8/os.py").touch()
    shutil.copy("/bin/true", tmp_path / "old/bin/python3.8")
    compile_c(OLD, "-shared", "-fPIC", name="old/lib/libpython3.8.so.1.0")
    env = {"EPY_PYTHON": f"{tmp_path}/old/bin/python3.8"}
    result = run(native("call"), f"open {build_plugin(SCRIPT)}", CALL, env=env)
    assert result.stdout == "-1\n"
    (line,) = result.stderr.splitlines()
    assert (
        f"epy has no core for the Python in {tmp_path}/old/lib/libpython3.8.so.1.0 (3.8.18)" in line
    )
    assert "takes CPython 3.11 or newer, or name another Python with EPY_PYTHON" in line


def test_a_library_without_its_standard_library_is_named(machine, at_home):
    machine.add("/bin/true", f"/usr/local/lib/libpython{VERSION}.so.1.0")
    line = at_home()
    assert f"/usr/local/lib/libpython{VERSION}.so.1.0 has no standard library" in line
    assert f"apt install libpython{VERSION}-stdlib" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root")
@pytest.mark.parametrize("trusted", [True, False])
def test_with_raised_privileges_only_what_nobody_can_change_is_taken(
    compile_c, run, tmp_path, trusted
):
    copy_epy(tmp_path / "stamped/epy")
    (tmp_path / "plugin.py").write_text(SCRIPT)
    path = {"PYTHONPATH": f"{tmp_path}/stamped", "PYTHONDONTWRITEBYTECODE": "1"}
    run("/usr/bin/python3", "-m", "epy", "build", "plugin.py", env=path)
    copy_epy(tmp_path / "epy")
    copy_epy(tmp_path / "home")
    for one in (tmp_path, *tmp_path.parents, *tmp_path.rglob("*")):
        if one.is_relative_to("/tmp/") and one != Path("/tmp"):
            one.chmod(0o755)
    if not trusted:
        (tmp_path / "epy").chmod(0o777)
    host = compile_c(HOST)
    host.chmod(0o4755)
    drop = ("setpriv", "--reuid=65534", "--clear-groups")
    result = run(*drop, host, tmp_path / "plugin.so", env={"EPY_HOME": str(tmp_path / "home")})
    taken = "epy" if trusted else "stamped/epy"
    assert (result.stdout, result.stderr) == (f"5 {tmp_path}/{taken}\n", "")
