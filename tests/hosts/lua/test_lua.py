"""Lua loads a C module, which finds Lua's own functions in the process."""

from pathlib import Path

import pytest


@pytest.fixture
def lua(run_host):
    """`lua(program)`: what it prints."""
    return lambda program: run_host("lua5.4", "-e", program, env={"LUA_CPATH": "./?.so"}).stdout


def test_require_and_call(lua):
    assert lua('print(require("check").add(40,2))') == "42\n"


def test_coroutines_call_it_in_turn(lua):
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
    assert lua(program) == "1\t10\n2\t20\n3\t30\n"


def test_an_edited_script_is_seen_without_a_restart(epy, run_host, tmp_path):
    script = Path(__file__).with_name("check.py").read_text()
    (tmp_path / "calculator.py").write_text(script.replace("luaopen_check", "luaopen_calculator"))
    epy("build", "--reload", "calculator.py")
    program = """
        local add = require("calculator").add
        print(add(40, 2))
        os.execute("sed -i 's/total)$/10 * total)/' calculator.py")
        repeat os.execute("sleep 0.1") until add(40, 2) ~= 42
        print(add(40, 2))
    """
    result = run_host("lua5.4", "-e", program, env={"LUA_CPATH": "./?.so"})
    assert result.stdout == "42\n420\n"
    assert result.stderr == f"epy: {tmp_path}/calculator.so: reloaded\n"
