"""With EPY_ROUNDS, a file, hosts run in rounds, which shall leave nothing: see growth/rounds.c.

A test fails then as it does otherwise, and for growth. What cannot run twice in one process, or
leaves what it wants to, is marked `once`, with the reason, and left out. The file gets a line for
each host that ran in rounds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOTED = os.environ.get("EPY_ROUNDS")
# What rounds.c exits with.
GREW = 87
RUNS_BUT_ONCE = 88


def environment(program: str, library: Path, folders: tuple[Path, ...]) -> dict[str, str]:
    """What makes a host in one of the folders run in rounds."""
    path = Path(program)
    if NOTED is None or path.name.startswith("python") or not path.is_file():
        return {}
    if not any(path.is_relative_to(folder) for folder in folders):
        return {}
    with path.open("rb") as file:
        is_program = file.read(4) == b"\x7fELF"
    if not is_program:
        return {}
    if " " in str(library):  # of which LD_PRELOAD would make two
        link = folders[-1] / ".rounds.so"
        link.unlink(missing_ok=True)
        link.symlink_to(library)
        library = link
    return {"LD_PRELOAD": str(library)}


def check(status: int, report: str) -> None:
    """Fail for growth, and for a host that does not run again."""
    if NOTED is not None and status == GREW:
        pytest.fail(f"each round leaves something\n{report}", pytrace=False)
    if NOTED is not None and status == RUNS_BUT_ONCE:
        pytest.fail(
            f"a later round failed: is the test to be marked `once`?\n{report}", pytrace=False
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked for it."""
    for item in items:
        once = item.get_closest_marker("once")
        if NOTED is not None and once is not None:
            item.add_marker(pytest.mark.skip(reason=f"not run in rounds: {once.args[0]}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many hosts ran in rounds."""
    if NOTED is not None:
        hosts = len(Path(NOTED).read_text().split()) if Path(NOTED).exists() else 0
        terminalreporter.write_line(f"{hosts} hosts ran in rounds, which left nothing")
