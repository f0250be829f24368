"""make loads an extension, which must have a certain data symbol; makefiles call its function."""

import pytest


@pytest.fixture
def make(run_host, tmp_path):
    """`make(makefile)`: what it prints."""

    def make(makefile):
        (tmp_path / "Mk").write_text(makefile)
        return run_host("make", "-s", "-f", "Mk").stdout

    return make


def test_a_makefile_calls_the_function(make):
    assert make("load ./check.so\nX:=$(add 40,2)\nall: ; @echo $X\n") == "42\n"


def test_rules_call_it_while_make_starts_programs(make):
    output = make(
        "load ./check.so\n"
        "all: one two\n"
        "one: ; @echo $(add $(add 1,2),3)\n"
        "two: one ; @echo $(foreach n,1 2 3,$(add $n,$n))\n"
    )
    assert output == "6\n2 4 6\n"
