"""The package as an author explores it: `dir(epy)`, `help(epy)`."""

from __future__ import annotations

import sys


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


def test_the_stand_in_of_a_plugin_is_listed_while_building(build_plugin):
    build_plugin("import epy\nassert 'plugin' in dir(epy)\nepy.export_data('x', b'1')\n")
