"""Lua loads a C module, which finds Lua's own functions in the process."""

from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("check.py")


@pytest.fixture(autouse=True)
def plugin(build_plugin: Callable[..., Path]) -> Path:
    return build_plugin(SCRIPT)


def run_lua(run_host: Callable, program: str) -> str:
    return run_host("lua5.4", "-e", program, env={"LUA_CPATH": "./?.so"}).stdout


def test_require_and_call(run_host: Callable) -> None:
    assert run_lua(run_host, 'print(require("check").add(40,2))') == "42\n"


def test_coroutines_call_it_in_turn(run_host: Callable) -> None:
    program = """
        local check = require("check")
        local function count(step)
            return coroutine.wrap(function()
                local n = 0
                while true do n = check.add(n, step); coroutine.yield(n) end
            end)
        end
        local ones, tens = count(1), count(10)
        for i = 1, 3 do print(ones(), tens()) end
    """
    assert run_lua(run_host, program) == "1\t10\n2\t20\n3\t30\n"
