"""bash reads a struct before it calls anything, forks after loading, and unloads."""

import pytest

LOAD = "enable -f ./check.so check"


@pytest.fixture
def bash(run_host):
    """`bash(line, ...)`: the result of running these lines."""
    return lambda *lines: run_host("bash", "-c", "\n".join(lines))


def test_the_builtin_runs_also_in_subshells(bash):
    result = bash(
        LOAD, "check 40 1", "y=$(check 2 3); echo sub=$y", "(check 6 7)", "enable -d check"
    )
    assert result.stdout == "41\nsub=5\n13\n"


def test_subshells_of_subshells_and_jobs_run_it(bash):
    result = bash(
        LOAD, "(check 1 2; echo $(check 3 4) $( (check 5 6) ))", "check 7 8 | cat", "check 9 & wait"
    )
    assert result.stdout == "3\n7 11\n15\n9\n"


def test_help_reads_the_struct(bash):
    result = bash(LOAD, "help check")
    assert result.stdout == "check: check NUMBER ...\n    Print the sum of the arguments.\n"


def test_an_exception_is_the_builtin_s_failure(bash):
    result = bash(LOAD, "check 1 two; echo $?; check 1 2")
    assert result.stdout == "1\n3\n"
    assert "ValueError: invalid literal for int()" in result.stderr


def test_deleting_it_unloads_and_it_loads_again(bash):
    result = bash(
        "count() { grep -c check.so /proc/$$/maps; }",
        "for turn in 1 2 3; do",
        f"    {LOAD}; check $turn 40",
        "    [ $(count) -gt 0 ] && echo mapped",
        "    enable -d check",
        "    count; type -t check || echo gone",
        "done",
    )
    assert result.stdout == "".join(f"{turn + 40}\nmapped\n0\ngone\n" for turn in (1, 2, 3))
    assert result.stderr.count("check: unloaded\n") == 3
