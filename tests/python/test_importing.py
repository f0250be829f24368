"""A Python that imports a plugin gets its script's module: plugin.so lies beside plugin.py."""

from __future__ import annotations

import os
import sys

import pytest

SCRIPT = """
import epy
from ctypes import c_int

VALUE = 1

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b

class Thing:
    pass
"""


@pytest.fixture
def python(run, tmp_path):
    """`python(text)`: what a program prints that runs in the plugin's folder."""

    def python(text):
        result = run(sys.executable, "-c", text)
        assert result.stderr == ""
        return result.stdout.splitlines()

    return python


SHOW = """
import {0}, pickle
print({0}.__file__, {0}.__name__, {0}.__spec__.name, {0}.VALUE, {0}.add(2, 3))
print(pickle.loads(pickle.dumps({0}.Thing())).__class__ is {0}.Thing)
"""


def test_pytest_runs_beside_a_built_plugin(build_plugin, run, tmp_path):
    build_plugin(SCRIPT)
    (tmp_path / "test_plugin.py").write_text(
        "import plugin\nfrom plugin import add\ndef test_add(): assert add(2, 3) == 5\n"
    )
    result = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_plugin.py")
    assert "1 passed" in result.stdout


def test_the_file_beside_the_plugin_is_the_module(build_plugin, python, tmp_path):
    build_plugin(SCRIPT)
    (tmp_path / "plugin.py").write_text(SCRIPT.replace("VALUE = 1", "VALUE = 'edited'"))
    assert python(SHOW.format("plugin")) == [
        f"{tmp_path}/plugin.py plugin plugin edited 5",
        "True",
    ]


@pytest.mark.parametrize("option", [(), ("--eager",)], ids=["lazy", "eager"])
def test_without_a_file_the_stored_script_is_the_module(build_plugin, python, tmp_path, option):
    build_plugin(SCRIPT, *option)
    os.rename(tmp_path / "plugin.py", tmp_path / "away.py")
    assert python(SHOW.format("plugin")) == [f"{tmp_path}/plugin.py plugin plugin 1 5", "True"]


def test_an_editable_plugin_is_the_script_at_its_place(epy, python, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "plugin.py").write_text(SCRIPT)
    epy("build", "--editable", "src/plugin.py")
    assert python(SHOW.format("plugin")) == [f"{tmp_path}/src/plugin.py plugin plugin 1 5", "True"]


@pytest.mark.parametrize("option", [(), ("--editable",)], ids=["stored", "editable"])
def test_a_package_is_imported_with_its_modules(epy, python, tmp_path, option):
    package = tmp_path / "src" / "model"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from model import util\n" + SCRIPT)
    (package / "util.py").write_text("NAME = __name__\n")
    (package / "data.txt").write_text("data")
    epy("build", "src/model", *option)
    if not option:
        os.rename(package, tmp_path / "away")
    assert python(
        "import model, model.util, importlib.resources as r\n"
        "print(model.util.NAME, model.util is model.__dict__['util'], model.add(2, 3))\n"
        "print(r.files('model').joinpath('data.txt').read_text())"
    ) == ["model.util True 5", "data"]


def test_a_script_with_modules_beside_it_is_imported_with_them(epy, python, tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "plugin.py").write_text("import utils\n" + SCRIPT)
    (tmp_path / "src" / "utils.py").write_text("NAME = 'beside'\n")
    epy("build", "src/plugin.py")
    assert python("import plugin; print(plugin.utils.NAME)") == ["beside"]


def test_names_that_are_not_ascii_are_imported(epy, python, tmp_path):
    (tmp_path / "größe.py").write_text(SCRIPT)
    epy("build", "größe.py")
    assert python("import größe; print(größe.add(2, 3))") == ["5"]


def test_a_script_that_fails_raises_where_it_is_imported(build_plugin, python, tmp_path):
    build_plugin(SCRIPT)
    (tmp_path / "plugin.py").write_text("VALUE = 1 / 0\n")
    assert python(
        "import sys\n"
        "try: import plugin\n"
        "except ZeroDivisionError as error: print(error, 'plugin' in sys.modules)"
    ) == ["division by zero False"]


def test_a_module_is_no_plugin_and_the_plugin_can_be_loaded_beside_it(build_plugin, python):
    build_plugin(SCRIPT)
    assert python(
        "import ctypes, plugin\n"
        "try: plugin.epy.plugin\n"
        "except plugin.epy.Error: print('no plugin')\n"
        "print(ctypes.CDLL(plugin.__file__[:-3] + '.so').add(2, 3))"
    ) == ["no plugin", "5"]


def test_a_host_sees_two_more_names(build_plugin, run):
    names = run("nm", "-D", "--defined-only", build_plugin(SCRIPT)).stdout.split()[2::3]
    assert sorted(names) == ["PyInit_plugin", "add", "epy_plugin_api"]
