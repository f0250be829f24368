"""bash reads a struct before it calls anything, forks after loading, and unloads."""

from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("check.py")


@pytest.fixture(autouse=True)
def plugin(build_plugin: Callable[..., Path]) -> Path:
    return build_plugin(SCRIPT)


def run_bash(run_host: Callable, *lines: str) -> str:
    return run_host("bash", "-c", "\n".join(lines)).stdout


def test_the_builtin_runs_also_in_subshells(run_host: Callable) -> None:
    output = run_bash(
        run_host,
        "enable -f ./check.so check",
        "check 40 1",
        "y=$(check 2 3); echo sub=$y",
        "(check 6 7)",
        "enable -d check",
    )
    assert output == "41\nsub=5\n13\n"


def test_a_subshell_is_the_first_to_call(run_host: Callable) -> None:
    """Each child then starts a Python of its own, and the parent after them."""
    output = run_bash(
        run_host,
        "enable -f ./check.so check",
        "(check 1 2); echo $(check 3 4) $( (check 5 6) )",
        "check 7 8",
    )
    assert output == "3\n7 11\n15\n"


def test_help_reads_the_struct(run_host: Callable) -> None:
    output = run_bash(run_host, "enable -f ./check.so check", "help check")
    assert output == "check: check NUMBER ...\n    Print the sum of the arguments.\n"


def test_an_exception_is_the_builtin_s_failure(run_host: Callable) -> None:
    result = run_host("bash", "-c", "enable -f ./check.so check; check 1 two; echo $?; check 1 2")
    assert result.stdout == "1\n3\n"
    assert "ValueError: invalid literal for int()" in result.stderr


def test_deleting_it_unloads_and_it_loads_again(run_host: Callable) -> None:
    output = run_bash(
        run_host,
        "count() { grep -c check.so /proc/$$/maps; }",
        "for turn in 1 2 3; do",
        "    enable -f ./check.so check; check $turn 40",
        "    [ $(count) -gt 0 ] && echo mapped",
        "    enable -d check",
        "    count; type -t check || echo gone",
        "done",
    )
    assert output == "".join(f"{turn + 40}\nmapped\n0\ngone\n" for turn in (1, 2, 3))
