"""`pip install .` gives a working epy in a fresh virtual environment."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CLEAN = {"PYTHONPATH": None}
NO_COMPILER = {"PATH": "/nowhere"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment with epy from a wheel that was made of this source."""
    folder = tmp_path_factory.mktemp("installed")
    variables = {**os.environ}
    variables.pop("PYTHONPATH", None)

    def run(*command):
        result = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=variables, timeout=3600
        )
        assert result.returncode == 0, result.stdout + result.stderr

    run(PROJECT / ".ci/wheel", folder, sys.executable)
    (wheel,) = folder.glob("epy-*.whl")
    pip = ("-m", "pip", "--disable-pip-version-check")
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/python", *pip, "install", "--no-index", "--no-deps", wheel)
    # What epy depends on comes from the test environment: no network is needed.
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv"


@pytest.fixture
def installed(environment, run):
    """`installed("epy", ...)`: a program of that environment."""

    def installed(program, *arguments, env=CLEAN):
        return run(environment / "bin" / program, *arguments, env=env)

    return installed


def test_the_wheel_is_one_for_all_pythons_and_systems(environment):
    """Also that auditwheel has found nothing which would tie it to this machine."""
    (wheel,) = environment.parent.glob("epy-*.whl")
    assert wheel.name.endswith("-py3-none-manylinux_2_34_x86_64.whl")
    assert wheel.stat().st_size < 1_200_000


@pytest.mark.parametrize(
    ("tools", "missing"), [((), "a C++ compiler"), (("c++",), "the headers of libffi")]
)
def test_building_it_without_what_that_takes_is_one_line(run, tmp_path, tools, missing):
    (tmp_path / "bin").mkdir()
    for tool in tools:  # a compiler that finds no header
        (tmp_path / "bin" / tool).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / tool).chmod(0o755)
    question = "import epy_backend; epy_backend.get_requires_for_build_wheel()"
    result = run(
        *(sys.executable, "-c", question),
        env={"PATH": f"{tmp_path}/bin", "CXX": None, "PYTHONPATH": f"{PROJECT}/python/backend"},
        status=1,
    )
    (line,) = result.stderr.splitlines()
    assert f"building it takes {missing}" in line and "apt install g++" in line
    assert "--only-binary" in line


def test_pip_shows_that_line_and_no_log_of_cmake_s(run, tmp_path):
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index")
    result = run(
        *(*pip, "--no-deps", "--no-build-isolation", "--target", tmp_path / "site", PROJECT),
        env={**CLEAN, **NO_COMPILER, "CXX": None},
        status=1,
    )
    said = result.stdout + result.stderr
    (line,) = [line for line in said.splitlines() if "epy: " in line]
    assert "building it takes a C++ compiler: apt install g++" in line
    assert "[1 lines of output]" in said and "CMake" not in said


def test_pip_install(environment, installed, tmp_path):
    (site,) = (environment / "lib").glob("python*/site-packages")
    names = {path.name for path in (site / "epy").iterdir()}
    assert {"__init__.py", "py.typed", "_core.pyi", "stub.so", "libepy.so"} <= names
    assert any(name.startswith("_core.cpython-") for name in names)

    page = environment / "share/man/man1/epy.1"
    assert page.read_text().startswith(".TH EPY 1 ") and '.SS "epy build"' in page.read_text()

    (tmp_path / "twice.py").write_text(
        "import epy\n\nhost = epy.header('#include <stdint.h>\\nint32_t twice(int32_t x);')\n"
        "@host.export\ndef twice(x):\n    return 2 * x\n"
    )
    installed("epy", "build", "twice.py", env={**CLEAN, **NO_COMPILER})
    assert installed("epy", "call", "./twice.so", "twice", "21").stdout == "42\n"


HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *plugin = dlopen(arguments[1], RTLD_NOW);
    int (*twice)(int) = plugin ? (int (*)(int))dlsym(plugin, "twice") : NULL;
    printf("%d\\n", twice ? twice(21) : -1);
    return 0;
}
"""


def test_a_user_s_walk(installed, compile_c, machine, tmp_path):
    """A plugin of an epy that no compiler installed, where a C host and a libpython are."""
    (tmp_path / "twice.py").write_text(
        "import epy\n@epy.export('int twice(int x)')\ndef twice(x):\n    return 2 * x\n"
    )
    installed("epy", "build", "twice.py", "--standalone", env={**CLEAN, **NO_COMPILER})
    plugin = tmp_path / "twice.so"
    assert plugin.stat().st_size < 2_500_000
    machine.add_python()
    result = machine.run(machine.add(compile_c(HOST), "/host"), machine.add(plugin, "/twice.so"))
    assert (result.stdout, result.stderr) == ("42\n", "")


def test_a_newcomer_s_walk(installed, run, tmp_path):
    """From nothing to a plugin in its host, and a look at what the host calls."""
    installed("epy", "new", "shout", "--host", "sqlite3")
    assert "2 passed" in installed("python", "-m", "pytest", "-q", "-p", "no:cacheprovider").stdout
    installed("epy", "build", "shout.py")
    host = ("sqlite3", ":memory:", ".load ./shout", "select shout('hello')")
    assert run(*host, env=CLEAN).stdout == "HELLO!\n"
    doctor = installed("epy", "doctor", "shout.so", "--host", "sqlite3").stdout
    assert doctor.endswith("all is well\n")
    assert installed("epy", "trace", "shout.so", "--", *host, ".load {}").stdout == "HELLO!\n"
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    names = [event["name"] for event in events if event["ph"] == "X"]
    assert names.count("callback 'sql_shout'") == 1
    assert names[0] == "start" and "export 'sqlite3_extension_init'" in names
