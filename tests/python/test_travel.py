"""The way of epy and of a plugin from one machine to others.

A wheel with the cores of all Pythons, an environment without a compiler, another release of Debian.
It takes minutes, and the network: `ctest --preset dev -C travel -L travel`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once("goes to other machines, and has a label of its own")

PROJECT = Path(__file__).parents[2]
OWN = "{}.{}".format(*sys.version_info)
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]
NO_COMPILER = {"PATH": "/nowhere", "PYTHONPATH": None}
SCRIPT = """
import epy

@epy.export("int add(int a, int b)", error=-1)
def add(a, b):
    {work}

@epy.export("const char *python(void)")
def python():
    import sys
    return "%d.%d" % sys.version_info[:2]
"""
ADD = SCRIPT.format(work="return a + b")
NUMPY = SCRIPT.format(work="import numpy; return int(numpy.array([a, b]).sum())")
HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
    const char *(*python)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "python") : NULL;
    const char *version = python ? python() : NULL;
    printf("%d %s\\n", add ? add(2, 3) : -2, version ? version : dlerror());
    return 0;
}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """One with a core for each of VERSIONS."""
    folder = tmp_path_factory.mktemp("wheel")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command):
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment, timeout=3600
        ).stdout

    others = [version for version in VERSIONS if version != OWN]
    run(
        PROJECT / ".ci/wheel",
        folder,
        sys.executable,
        *run(PROJECT / "tests/pythons.sh", *others).split(),
    )
    (made,) = folder.glob("epy-*.whl")
    return made


@pytest.fixture
def installed(wheel, run, tmp_path):
    """`installed("build", ...)`: epy of a fresh virtual environment, where no compiler is."""
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv)
    pip = (venv / "bin/python", "-m", "pip", "--disable-pip-version-check", "install")
    run(*pip, "--no-index", "--no-deps", wheel, env=NO_COMPILER)
    # Its packages come from the test environment: no network is needed.
    (site,) = (venv / "lib").glob("python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
    return lambda *arguments: run(venv / "bin/epy", *arguments, env=NO_COMPILER)


def test_one_wheel_has_the_cores_of_all_pythons(wheel):
    assert wheel.name.endswith("-py3-none-manylinux_2_34_x86_64.whl")  # auditwheel has agreed
    cores = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("epy/_core.c")}
    assert cores >= {
        f"epy/_core.cpython-{version.replace('.', '')}-x86_64-linux-gnu.so" for version in VERSIONS
    }
    assert wheel.stat().st_size < 700_000 + 400_000 * len(cores)


def test_a_plugin_grows_by_little_with_each_core(installed, tmp_path):
    (tmp_path / "plugin.py").write_text(ADD)
    others = [version for version in VERSIONS if version != OWN]
    for count in range(len(VERSIONS)):
        cores = ",".join([OWN, *others[:count]])
        installed("build", "plugin.py", "--standalone", "--cores", cores)
        assert (tmp_path / "plugin.so").stat().st_size < 2_500_000 + 600_000 * count


@pytest.mark.parametrize(("suite", "python"), [("bookworm", "3.11"), ("trixie", "3.13")])
def test_one_file_runs_in_a_bare_debian_with_its_libpython(
    installed, compile_c, debian, tmp_path, suite, python
):
    (tmp_path / "plugin.py").write_text(ADD)
    installed("build", "plugin.py", "--standalone")
    machine = debian(suite, f"libpython{python}")
    host = machine.add(compile_c(HOST), "/host")
    for how in ({}, {"read_only": True, "user": 65534}):
        result = machine.run(host, machine.add(tmp_path / "plugin.so", "/plugin.so"), **how)
        assert (result.stdout, result.stderr) == (f"5 {python}\n", "")


def test_a_folder_runs_in_another_debian_without_any_python(
    installed, compile_c, debian, run, tmp_path
):
    (tmp_path / "plugin.py").write_text(NUMPY)
    installed("build", "plugin.py")
    trixie = debian("trixie")
    assert not [*trixie.root.rglob("libpython*")]
    sent = trixie.root / "opt/sent"
    installed("bundle", "plugin.so", "-o", sent, "--with", "numpy", "--python")
    result = trixie.run(trixie.add(compile_c(HOST), "/host"), "/opt/sent/plugin.so")
    assert (result.stdout, result.stderr) == (f"5 {OWN}\n", "")


def test_who_has_the_packages_sets_up_without_root(run):
    """Nobody is asked for more, and a second time nothing is to be done."""
    folder = Path(tempfile.mkdtemp(prefix="epy-user-", dir="/tmp"))
    try:
        run("git", "clone", "--quiet", "--no-hardlinks", PROJECT, folder / "clone")
        (folder / "bin").mkdir()
        sudo = folder / "bin/sudo"
        sudo.write_text("#!/bin/sh\necho 'sudo was asked' >&2\nexit 1\n")
        sudo.chmod(0o755)
        drop = ()
        if os.geteuid() == 0:
            run("chown", "--recursive", "65534:65534", folder)
            drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        home = {"HOME": str(folder), "PATH": f"{folder}/bin:/usr/bin:/bin", "PYTHONPATH": None}
        for packages in ("installing tests/demo/requirements.txt into .venv", "all there (.venv)"):
            result = run(*drop, "tests/setup.sh", "demo", cwd=folder / "clone", env=home)
            assert "Debian packages: all there" in result.stdout
            assert f"Python packages: {packages}" in result.stdout
            assert "sudo was asked" not in result.stderr
    finally:
        shutil.rmtree(folder)
