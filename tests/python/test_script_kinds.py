"""What decorators do, by whose code it is: of a plugin that is built, or of none.

What a plugin that is loaded does about exports: test_data, test_modules and the tests of hosts.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

import epy
from epy._command.building import Building
from epy._script import find_script, nowhere, registry


@pytest.fixture
def building() -> Iterator[Building]:
    registry.building = made = Building("synth", "/synth.py")
    yield made
    registry.building = None


def exported() -> object:
    @epy.export("int twice(int x)")
    def twice(x: int) -> int:
        return 2 * x

    return twice


def test_code_that_is_no_plugin_s_may_export_again_and_again() -> None:
    first, second = exported(), exported()
    assert first is not second and first(2) == second(2) == 4
    assert find_script() is nowhere() and not nowhere().exports


def hooks_and_a_header() -> list[weakref.ref[object]]:
    def hook(old: object = None) -> None:
        pass

    for decorator in (epy.on_load, epy.on_unload, epy.on_reload):
        decorator(hook)
    return [weakref.ref(hook), weakref.ref(epy.header("struct kept { int x; };"))]


def test_nothing_of_code_that_is_no_plugin_s_is_kept() -> None:
    made = hooks_and_a_header()
    gc.collect()
    assert [reference() for reference in made] == [None, None]


def test_code_that_is_no_plugin_s_has_no_plugin() -> None:
    assert not epy.building and "plugin" not in dir(epy)
    with pytest.raises(epy.Error, match="no plugin's script runs here"):
        epy.plugin  # noqa: B018


def test_a_plugin_that_is_built_has_each_name_once_and_says_what_it_is(building: Building) -> None:
    exported()
    assert building.exports["twice"].text == "int twice(int x)"
    with pytest.raises(epy.ExportNameError, match="'twice' is exported twice"):
        exported()
    assert (epy.building, epy.plugin.state, epy.plugin.path) == (True, "building", "/synth.py")


def test_a_plugin_that_is_built_has_one_header_for_the_same_text(building: Building) -> None:
    text = "struct once { int x; };"
    assert epy.header(text) is epy.header(text)
    assert list(building.declarations) == [text]
