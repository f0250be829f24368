import subprocess
from ctypes import CDLL
from pathlib import Path

import NAME
import pytest

from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


def test_the_function():
    assert NAME.shout("hello") == "HELLO!"


def test_make_finds_it(plugin):
    host = CDLL(plugin)
    assert host.NAME_gmk_setup and host.plugin_is_GPL_compatible


def test_a_makefile_calls_it(plugin):
    makefile = f"load {plugin}\nall: ; @echo $(shout hello)\n"
    result = subprocess.run(
        ["make", "-s", "-f", "-"], input=makefile, capture_output=True, text=True
    )
    assert result.stdout == "HELLO!\n", result.stderr
