import os
import shutil
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


def test_lua_finds_it(plugin):
    assert CDLL(plugin).luaopen_NAME


@pytest.mark.skipif(shutil.which("lua5.4") is None, reason="lua5.4 is not installed")
def test_lua_calls_it(plugin):
    program = 'print(require("NAME").shout("hello")); print(pcall(require("NAME").shout, {}))'
    result = subprocess.run(
        ["lua5.4", "-e", program],
        env={**os.environ, "LUA_CPATH": f"{plugin.parent}/?.so"},
        capture_output=True,
        text=True,
    )
    assert result.stdout == "HELLO!\nfalse\tshout takes a string\n", result.stderr
