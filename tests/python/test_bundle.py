"""`epy bundle`: a folder that runs where it is copied to."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from needs import needs_numpy

pytestmark = pytest.mark.usefixtures("no_python_named")

VERSION = "{}.{}".format(*sys.version_info)
SCRIPT = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    {work}

@epy.export("const char *place(void)")
def place():
    import {package}
    return {package}.__file__
"""
# Packages with what they need, of which one is an extension module; and what Python has of its own
# that needs libraries of the system.
SMALL = SCRIPT.format(
    package="jsonschema",
    work="import jsonschema, rpds; jsonschema.validate(a, {'minimum': 2}); return a + b",
)
LARGE = SCRIPT.format(
    package="numpy",
    work="import ctypes, numpy, sqlite3, ssl, zlib; return int(numpy.array([a, b]).sum())",
)
HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    for (int i = 1; i < count; ++i) {
        void *plugin = dlopen(arguments[i], RTLD_NOW);
        int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
        const char *(*place)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "place") : NULL;
        const char *found = place ? place() : NULL;
        printf("%d %s\\n", add ? add(2, 3) : -2, found ? found : "");
    }
    return 0;
}
"""
PACKAGES = f"epy/packages/lib/python{VERSION}/site-packages"


@pytest.fixture
def host(compile_c):
    return compile_c(HOST)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`made(run)`: the folder with SMALL, made once."""
    folder = tmp_path_factory.mktemp("made")

    def made(epy):
        if not (folder / "small").exists():
            (folder / "small.py").write_text(SMALL)
            epy("build", folder / "small.py", "-o", folder / "small.so")
            epy("bundle", folder / "small.so", "-o", folder / "small", "--with", "jsonschema")
        return folder / "small"

    return made


@pytest.fixture
def small(made, epy, tmp_path):
    """A copy of it, whose files have another age."""
    return Path(shutil.copytree(made(epy), tmp_path / "copy", copy_function=shutil.copyfile))


@needs_numpy
def test_it_runs_where_there_is_not_even_a_libpython(build_plugin, epy, host, machine, tmp_path):
    plugin = build_plugin(LARGE, name="large")
    epy("bundle", plugin, "-o", "sent", "--with", "numpy", "--python")
    program = machine.add(host, "/host")
    machine.add_libraries(next((tmp_path / "sent").rglob("_multiarray_umath*.so")))
    for library in (tmp_path / "sent/epy/lib").iterdir():  # it brings these
        for place in machine.root.rglob(library.name):
            place.unlink()
    (machine.root / "opt").mkdir()
    shutil.move(tmp_path / "sent", machine.root / "opt/sent")
    result = machine.run(program, "/opt/sent/large.so")
    place = f"/opt/sent/{PACKAGES}/numpy/__init__.py"
    assert (result.stderr[-300:], result.stdout) == ("", f"5 {place}\n")


def test_without_python_it_takes_that_of_the_machine(small, host, machine):
    machine.add_python()
    machine.add_libraries(next(small.rglob("rpds*.so")))
    (machine.root / "opt").mkdir()
    shutil.move(small, machine.root / "opt/sent")
    result = machine.run(machine.add(host, "/host"), "/opt/sent/small.so")
    place = f"/opt/sent/{PACKAGES}/jsonschema/__init__.py"
    assert (result.stderr[-300:], result.stdout) == ("", f"5 {place}\n")


def test_it_is_as_well_where_it_was_made(small, host, run):
    result = run(host, small / "small.so", env={"EPY_LOG": "info"})
    assert result.stdout == f"5 {small}/{PACKAGES}/jsonschema/__init__.py\n"
    assert f"runs with the epy in {small}/epy" in result.stderr


def test_a_python_that_loads_it_takes_its_packages(small, run):
    code = (
        "import ctypes, sys; plugin = ctypes.CDLL(sys.argv[1]); "
        "plugin.place.restype = ctypes.c_char_p; print(plugin.add(2, 3), plugin.place().decode())"
    )
    result = run(sys._base_executable, "-I", "-c", code, small / "small.so")
    assert result.stdout == f"5 {small}/{PACKAGES}/jsonschema/__init__.py\n"


def test_a_usual_plugin_may_go_before_it(small, build_plugin, host, run):
    usual = build_plugin(SMALL, name="usual")
    result = run(host, usual, small / "small.so")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["5", "5"]


def test_its_files_are_its_own(small):
    assert (small / "small.so").is_file() and (small / "epy/libepy.so").is_file()
    assert not [path for path in small.rglob("*") if path.is_symlink()]
    assert (small / PACKAGES / "attrs").is_dir() and (small / PACKAGES / "rpds").is_dir()
    # One of its packages is for this Python alone.
    assert len([*(small / "epy").glob("_core.*")]) == 1


def edit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("damage", "file", "problem"),
    [
        (edit, "epy/libepy.so", "is not what 'epy bundle' wrote"),
        (cut_short, "epy/libepy.so", "is not what 'epy bundle' wrote"),
        (Path.unlink, "epy/libepy.so", "is missing or cannot be read"),
        (edit, "epy/_start.py", "is not what 'epy bundle' wrote"),
        (edit, f"{PACKAGES}/jsonschema/validators.py", "is not what 'epy bundle' wrote"),
        (cut_short, f"{PACKAGES}/jsonschema/validators.py", "is not what 'epy bundle' wrote"),
        (Path.unlink, f"{PACKAGES}/jsonschema/validators.py", "is missing or cannot be read"),
        (edit, "epy/bundle", "was cut short or edited"),
        (cut_short, "epy/bundle", "was cut short or edited"),
    ],
)
def test_what_was_cut_short_or_edited_is_refused(small, host, run, damage, file, problem):
    damage(small / file)
    result = run(host, small / "small.so")
    assert result.stdout == "-1 \n"
    (line,) = result.stderr.splitlines()
    if file == "epy/bundle":  # an edited line is a file's
        assert "the bundle that it lies in is not whole" in line
    else:
        assert f"the bundle that it lies in is not whole: {small}/{file} {problem}" in line
    assert line.endswith("; copy the whole folder again, or make it again with 'epy bundle'")


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root")
@pytest.mark.parametrize("trusted", [True, False])
def test_with_raised_privileges_nobody_else_may_be_able_to_change_it(
    small, host, run, tmp_path, trusted
):
    for one in (tmp_path, *tmp_path.parents, *tmp_path.rglob("*")):
        if one.is_relative_to("/tmp/") and one != Path("/tmp"):
            one.chmod(0o755)
    host.chmod(0o4755)
    if not trusted:
        (small / PACKAGES / "attrs").chmod(0o777)
    drop = ("setpriv", "--reuid=65534", "--clear-groups")
    result = run(*drop, host, small / "small.so")
    if trusted:
        place = f"{small}/{PACKAGES}/jsonschema/__init__.py"
        assert (result.stderr[-300:], result.stdout) == ("", f"5 {place}\n")
    else:
        (line,) = result.stderr.splitlines()
        assert result.stdout == "-1 \n"
        assert f"chmod go-w {small}/{PACKAGES}/attrs" in line


def test_what_cannot_be_bundled_is_named(build_plugin, mistake, epy, tmp_path):
    plugin = build_plugin(SMALL)
    assert "the package no-such-package is not installed in the Python that runs this" in mistake(
        "bundle", plugin, "-o", "sent", "--with", "no-such-package"
    )
    assert "no package has such a name" in mistake("bundle", plugin, "-o", "sent", "--with", "?")
    epy("stub", "-o", "bare.so")
    assert "is a bare stub" in mistake("bundle", "bare.so", "-o", "sent")
    editable = build_plugin(SMALL, "--editable", name="editable")
    assert "--editable" in mistake("bundle", editable, "-o", "sent")
    assert "no-such.so" in mistake("bundle", "no-such.so", "-o", "sent")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("sent")]
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent/precious").write_text("")
    assert "is there already" in mistake("bundle", plugin, "-o", "sent")
    assert [path.name for path in (tmp_path / "sent").iterdir()] == ["precious"]


def test_a_bundle_is_a_folder_of_its_own(small, mistake, tmp_path):
    for output in (".", "", f"../{tmp_path.name}"):
        told = mistake("bundle", small / "small.so", "-o", output)
        assert told.startswith(f"{tmp_path}: is there already")
