"""make loads an extension, which must have a certain data symbol; makefiles call its function."""

from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("check.py")


@pytest.fixture(autouse=True)
def plugin(build_plugin: Callable[..., Path]) -> Path:
    return build_plugin(SCRIPT)


def run_makefile(run_host: Callable, folder: Path, text: str) -> str:
    (folder / "Mk").write_text(text, encoding="utf-8")
    return run_host("make", "-s", "-f", "Mk").stdout


def test_a_makefile_calls_the_function(run_host: Callable, tmp_path: Path) -> None:
    makefile = "load ./check.so\nX:=$(add 40,2)\nall: ; @echo $X\n"
    assert run_makefile(run_host, tmp_path, makefile) == "42\n"


def test_a_rule_calls_it_after_others_ran(run_host: Callable, tmp_path: Path) -> None:
    """make forks for each command."""
    makefile = (
        "load ./check.so\n"
        "all: one two\n"
        "one: ; @echo $(add $(add 1,2),3)\n"
        "two: one ; @echo $(foreach n,1 2 3,$(add $n,$n))\n"
    )
    assert run_makefile(run_host, tmp_path, makefile) == "6\n2 4 6\n"
