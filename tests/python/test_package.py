"""The package as an author explores it: `dir(epy)`, `help(epy)`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import epy


def test_dir_names_what_is_loaded_later(run):
    # In a fresh process: names that were used are there anyway.
    program = "import epy; print(*sorted(set(epy.__all__) - set(dir(epy))), 'building' in dir(epy))"
    assert run(sys.executable, "-c", program).stdout == "True\n"


def test_everything_that_dir_names_is_there(run):
    program = "import epy; [getattr(epy, name) for name in dir(epy)]; print('plugin' in dir(epy))"
    assert run(sys.executable, "-c", program).stdout == "False\n"


def test_help_shows_what_is_loaded_later(run):
    shown = run(sys.executable, "-c", "import epy; help(epy)").stdout
    for name in ("export(", "header(", "class Object", "callback(", "epy.plugin"):
        assert name in shown, name


def test_a_name_that_is_nearly_right_is_told():
    with pytest.raises(AttributeError, match=r"attribute 'exprot'; did you mean export\?$"):
        epy.exprot  # noqa: B018
    with pytest.raises(AttributeError, match=r"attribute 'quite_another'$"):
        epy.quite_another  # noqa: B018


def test_the_stand_in_of_a_plugin_is_listed_while_building(build_plugin):
    build_plugin("import epy\nassert 'plugin' in dir(epy)\nepy.export_data('x', b'1')\n")


def test_the_names_that_type_checkers_read_are_those_that_there_are():
    tree = ast.parse(Path(epy.__file__).read_text())
    [listed] = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    names = ast.literal_eval(listed)
    assert sorted(names) == sorted(set(names)) == sorted(epy.__all__)
