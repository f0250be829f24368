"""One installed epy serves every CPython that it has a core for."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

# This one, and those that CMake built further cores for (EPY_PYTHONS).
PYTHONS = [sys.executable, *filter(None, os.environ.get("EPY_PYTHONS", "").split(":"))]
SCRIPT = """
import epy, sys
from ctypes import c_double, c_int

@epy.export
def version() -> c_int:
    return 100 * sys.version_info[0] + sys.version_info[1]

@epy.export
def total(samples: epy.Buffer(c_double, "count"), count: c_int) -> c_double:
    return sum(samples)
"""


@pytest.fixture(params=PYTHONS)
def python(request):
    return request.param


@pytest.fixture
def version(python, run):
    text = run(python, "-c", "import sys; print(*sys.version_info[:2], sep='')").stdout.strip()
    return f"{text[0]}{text[1:]:>02}"


def test_a_host_that_runs_any_of_them_runs_the_plugin(build_plugin, run, python, version):
    plugin = build_plugin(SCRIPT)
    host = f"""
import ctypes
plugin = ctypes.CDLL({str(plugin)!r})
print(plugin.version())
plugin.total.restype = ctypes.c_double
print(plugin.total((ctypes.c_double * 3)(1, 2, 4), 3))
"""
    # The host's own packages: epy is found by where the plugin says it is.
    result = run(python, "-c", host, env={"PYTHONPATH": None})
    assert (result.stdout, result.stderr) == (f"{version}\n7.0\n", "")


def test_a_plugin_is_built_for_any_of_them(build_plugin, native, run, python, version):
    plugin = build_plugin(SCRIPT, "--python", python)
    result = run(native("call"), f"open {plugin}", "int version")
    assert (result.stdout, result.stderr) == (f"{version}\n", "")


def test_a_debugging_build_takes_the_core_of_the_release(build_plugin, native, run):
    debugging = "/usr/bin/python3-dbg"
    version = "import sys; print(sys.version_info[:2])"
    if run(debugging, "-c", version).stdout != run(sys.executable, "-c", version).stdout:
        pytest.skip("there is no core here for the distribution's Python")
    plugin = build_plugin(SCRIPT, "--python", debugging)
    found = run(native("call"), f"open {plugin}", "int version")
    assert found.stdout == f"{sys.version_info[0]}{sys.version_info[1]:>02}\n"
    host = f"import ctypes, sys\nctypes.CDLL({str(plugin)!r}).version()\nprint(sys.abiflags)"
    assert run(debugging, "-c", host, env={"PYTHONPATH": None}).stdout == "d\n"


CLASSES = """
import epy

host = epy.header(
    "struct point { int x; int (*f)(int); struct point *next; char text[4]; };"
    "union u { int i; const char *text; };"
)
host.point(f=lambda x: x, next=host.point(), text="a"), host.u(text="b")
epy.callback("int f(int)", error=-1)(int)

IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE


def below(base):
    for one in type.__subclasses__(base):
        yield one
        yield from below(one)


for one in {one for one in below(object) if one.__module__.startswith("epy")}:
    for base in one.__bases__:
        if one.__flags__ & IMMUTABLE and not base.__flags__ & IMMUTABLE:
            print(one, base)
"""


def test_no_class_that_cannot_change_is_made_of_one_that_can(run):
    """Which CPython 3.14 refuses, and 3.12 warns of."""
    assert run(sys.executable, "-c", CLASSES).stdout == ""


@pytest.mark.once("the core is an ordinary one under another name, and counts no references")
def test_a_core_that_was_built_for_a_debugging_build_is_found(native, run, tmp_path):
    debugging = "/usr/bin/python3-dbg"
    tag = "import sys; print(*sys.version_info[:2], sep='')"
    name = f"_core.cpython-{run(debugging, '-c', tag).stdout.strip()}"
    package = shutil.copytree(Path(find_spec("epy").origin).parent, tmp_path / "debug" / "epy")
    cores = list(package.glob(f"{name}-*"))
    if not cores:
        pytest.skip("there is no core here for the distribution's Python")
    cores[0].rename(cores[0].with_name(cores[0].name.replace(name, f"{name}d")))
    (tmp_path / "plugin.py").write_text(SCRIPT)
    where = {"PYTHONPATH": str(package.parent)}
    run(debugging, "-m", "epy", "build", "plugin.py", env=where)
    found = run(native("call"), f"open {tmp_path}/plugin.so", "int version")
    assert (len(found.stdout), found.stderr) == (4, "")
    host = "import ctypes, sys\nctypes.CDLL('./plugin.so').version()\nprint(sys.abiflags)"
    assert run(debugging, "-c", host, env={"PYTHONPATH": None}).stdout == "d\n"
