"""`epy build --standalone`: one file that needs a libpython where it runs, and nothing of epy."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from epy._file.elf import Image

SCRIPT = """
import epy
from ctypes import POINTER, c_char, c_int, c_size_t

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def later(text: POINTER(c_char), size: c_size_t) -> c_int:
    epy.put("that was not loaded before", text, size)
    return 1
"""

# host [chroot FOLDER] PLUGIN...: calls each, then `later` of each.
HOST = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **arguments) {
    int first = 1;
    const char *root = NULL;
    if (strcmp(arguments[1], "chroot") == 0) {
        root = arguments[2];
        first = 3;
    }
    void *plugins[8];
    for (int i = first; i < count; ++i) {
        plugins[i] = dlopen(arguments[i], RTLD_NOW);
        if (plugins[i] == NULL) {
            puts(dlerror());
            return 1;
        }
        int (*add)(int, int) = (int (*)(int, int))dlsym(plugins[i], "add");
        printf("%d\\n", add(2, 3));
    }
    if (root != NULL && (chroot(root) != 0 || chdir("/") != 0)) {
        return 77;
    }
    for (int i = first; i < count; ++i) {
        char text[64] = "";
        int (*later)(char *, size_t) = (int (*)(char *, size_t))dlsym(plugins[i], "later");
        printf("%d %s\\n", later(text, sizeof text), text);
    }
    return 0;
}
"""
SAID = "1 that was not loaded before\n"


@pytest.fixture
def host(compile_c):
    return compile_c(HOST)


def test_it_runs_where_there_is_a_libpython_and_nothing_else(build_plugin, host, machine):
    plugin = build_plugin(SCRIPT, "--standalone")
    machine.add_python()
    result = machine.run(machine.add(host, "/host"), machine.add(plugin, "/plugin.so"))
    assert (result.stdout, result.stderr) == ("5\n" + SAID, "")


def test_where_memory_cannot_be_run_it_takes_a_folder_and_leaves_it(build_plugin, host, machine):
    plugin = build_plugin(SCRIPT, "--standalone")
    machine.add_python()
    program, plugin = machine.add(host, "/host"), machine.add(plugin, "/plugin.so")
    result = machine.run(program, plugin, proc=False)
    assert (result.stdout, result.stderr) == ("5\n" + SAID, "")
    assert list((machine.root / "tmp").iterdir()) == []


FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noexec


def test_folders_that_nothing_can_be_run_in_do_not_matter_where_memory_can(
    build_plugin, host, machine
):
    plugin = build_plugin(SCRIPT, "--standalone")
    machine.add_python()
    program, plugin = machine.add(host, "/host"), machine.add(plugin, "/plugin.so")
    result = machine.run(program, plugin, noexec=FOLDERS)
    assert (result.stdout, result.stderr) == ("5\n" + SAID, "")


@pytest.fixture
def without_memory(build_plugin, host, machine, native):
    """`without_memory(noexec=..., **environment)`: the host there, where memory cannot be run."""
    plugin = build_plugin(SCRIPT, "--standalone")
    machine.add_python()
    program, plugin = machine.add(host, "/host"), machine.add(plugin, "/plugin.so")
    policy = machine.add(native("without_memory"), "/policy")
    return lambda **how: machine.run(policy, program, plugin, **how)


def test_of_folders_it_takes_one_that_code_can_be_mapped_from(without_memory, machine):
    own = machine.root / "own"
    own.mkdir()
    (machine.root / "run").mkdir()
    for noexec, env in [(FOLDERS[:2], {}), (FOLDERS, {"TMPDIR": "/own"})]:
        result = without_memory(noexec=noexec, env=env)
        assert (result.stdout, result.stderr) == ("5\n" + SAID, "")
        assert [*own.iterdir(), *(machine.root / "run").iterdir()] == []


def test_where_no_code_can_be_mapped_at_all_one_line_says_what_to_allow(without_memory):
    result = without_memory(noexec=FOLDERS)
    assert result.stdout == "-1\n-1 \n"
    (line,) = result.stderr.splitlines()
    for part in ("/plugin.so", "the one that it brings along cannot be opened", "noexec", "TMPDIR"):
        assert part in line


def test_where_files_are_limited_the_host_goes_on(build_plugin, host, run):
    plugin = build_plugin(SCRIPT, "--standalone")
    result = run("prlimit", "--fsize=4096", host, plugin)
    assert result.stdout.startswith("-1")
    (line,) = result.stderr.splitlines()
    assert "cannot be opened: no folder takes it" in line
    assert "lift a limit on the size of files" in line


def test_one_line_names_what_to_install_where_there_is_no_python(build_plugin, host, machine):
    plugin = build_plugin(SCRIPT, "--standalone")
    program, plugin = machine.add(host, "/host"), machine.add(plugin, "/plugin.so")
    result = machine.run(program, plugin)
    assert result.stdout == "-1\n-1 \n"
    (line,) = result.stderr.splitlines()
    version = "{}.{}".format(*sys.version_info)
    for part in ("/plugin.so", f"libpython{version}.so.1.0", "/usr/local", "EPY_PYTHON"):
        assert part in line
    assert f"apt install libpython{version}" in line


def test_of_several_pythons_one_that_the_system_has_is_to_be_installed(
    host, machine, run, tmp_path
):
    """A system has packages of one version or two. `--cores` chooses those that are brought."""
    package = shutil.copytree(Path(os.environ["EPY_BUILD_DIR"]) / "python/epy", tmp_path / "s/epy")
    for core in package.glob("_core.cpython-*.so"):
        if core.name.endswith(str(sysconfig.get_config_var("EXT_SUFFIX"))):
            shutil.copy(core, package / "_core.cpython-399-x86_64-linux-gnu.so")
        else:
            core.unlink()
    (tmp_path / "plugin.py").write_text(SCRIPT)
    program = machine.add(host, "/host")
    version = "{}.{}".format(*sys.version_info)

    def said(*options):
        build = (sys.executable, "-m", "epy", "build", "plugin.py", "--standalone", *options)
        run(*build, env={"PYTHONPATH": str(package.parent)})
        result = machine.run(program, machine.add(tmp_path / "plugin.so", "/plugin.so"))
        (line,) = result.stderr.splitlines()
        return line

    line = said()
    assert f"no libpython3.99.so.1.0, libpython{version}.so.1.0 that can be started" in line
    assert "; install the one that this system has (" in line
    line = said("--cores", version)
    assert f"no libpython{version}.so.1.0 that can be started" in line and "3.99" not in line
    assert "; install it (" in line


@pytest.mark.once("changes the process's root")
@pytest.mark.parametrize("strip", [(), ("--strip-all",)])
def test_a_host_may_change_its_root_after_the_start(build_plugin, host, run, tmp_path, strip):
    plugin = build_plugin(SCRIPT, "--standalone")
    if strip:
        run("strip", *strip, plugin)
    (tmp_path / "root").mkdir()
    result = run(host, "chroot", tmp_path / "root", plugin, status=None)
    if result.returncode == 77:
        pytest.skip("not run: chroot needs root")
    assert (result.stdout, result.stderr) == ("5\n" + SAID, "")


@pytest.mark.parametrize("order", [("one", "two", "usual"), ("usual", "two", "one")])
def test_several_share_a_process_also_with_an_installed_epy(build_plugin, host, run, order):
    plugins = {
        name: build_plugin(SCRIPT, *(["--standalone"] if name != "usual" else []), name=name)
        for name in order
    }
    result = run(host, *(plugins[name] for name in order))
    assert (result.stdout, result.stderr) == (3 * "5\n" + 3 * SAID, "")


def test_a_plugin_that_brings_the_loader_may_go_before_the_others(build_plugin, native, run):
    first = build_plugin(SCRIPT, "--standalone", name="first")
    second = build_plugin(SCRIPT, "--standalone", name="second")
    calls = ["int add 1 2", "close", f"open {second}", "int add 3 4"]
    result = run(native("call"), f"open {first}", *calls)
    assert (result.stdout.split(), result.stderr) == (["3", "7"], "")


def test_it_is_no_larger_than_two_and_a_half_megabytes(build_plugin):
    """With one core: it brings one for each Python that this epy has one for."""
    package = Path(os.environ["EPY_BUILD_DIR"]) / "python/epy"
    others = len(list(package.glob("_core.*.so"))) - 1
    size = build_plugin(SCRIPT, "--standalone").stat().st_size
    assert size < 2_500_000 + 900_000 * others


def test_a_damaged_pack_is_refused(build_plugin, host, machine):
    plugin = build_plugin(SCRIPT, "--standalone")
    image = Image(bytearray(plugin.read_bytes()), str(plugin))
    place = image.info().pack
    image.data[image.offset(place.address, place.size) + 5000] ^= 0x40  # of the loader
    plugin.write_bytes(image.data)
    machine.add_python()
    result = machine.run(machine.add(host, "/host"), machine.add(plugin, "/plugin.so"))
    assert result.stdout == "-1\n-1 \n"
    (line,) = result.stderr.splitlines()
    assert "damaged" in line and "/plugin.so" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root")
def test_also_with_raised_privileges(build_plugin, host, machine):
    plugin = build_plugin(SCRIPT, "--standalone")
    machine.add_python()
    program, plugin = machine.add(host, "/host"), machine.add(plugin, "/plugin.so")
    (machine.root / program.lstrip("/")).chmod(0o4755)
    for folder in (machine.root, *machine.root.rglob("*")):
        folder.chmod(folder.stat().st_mode & ~0o022 if folder.name != "tmp" else 0o1777)
    result = machine.run(program, plugin, user=65534)
    assert (result.stdout, result.stderr) == ("5\n" + SAID, "")


def test_what_does_not_fit_together_is_refused(mistake, tmp_path):
    (tmp_path / "plugin.py").write_text(SCRIPT)
    assert "--standalone stores the script" in mistake(
        "build", "plugin.py", "--standalone", "--editable"
    )
    assert "no core for Python 3.5" in mistake(
        "build", "plugin.py", "--standalone", "--cores", "3.5"
    )
    assert "--cores is for --standalone" in mistake("build", "plugin.py", "--cores", "3.11")
    assert not (tmp_path / "plugin.so").exists()


# What only other Pythons take is compressed: here, as if another one had built it.
BUILT_BY_ANOTHER = """
import sys
from epy._command.build import build
from epy._file import pack

pack.own_version = lambda: "3.5"
if sys.argv[2] == "sources":
    pack.MAGIC = "00000000"
build("plugin.py", sys.argv[1], standalone=True)
"""


@pytest.mark.parametrize("taken", ["code", "sources"])
def test_what_is_for_other_pythons_is_compressed(build_plugin, host, machine, run, tmp_path, taken):
    plain = build_plugin(SCRIPT, "--standalone")
    packed = tmp_path / "packed.so"
    run(sys.executable, "-c", BUILT_BY_ANOTHER, packed, taken)
    assert packed.stat().st_size < plain.stat().st_size
    machine.add_python()
    result = machine.run(machine.add(host, "/host"), machine.add(packed, "/packed.so"))
    assert (result.stdout, result.stderr) == ("5\n" + SAID, "")
