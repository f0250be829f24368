"""With EPY_ROUNDS, a file, hosts run in rounds, which shall leave nothing: see growth/rounds.c.

A test then fails for growth alone. That a host cannot run twice in one process (it wants to be the
first to start Python, counts in a file, ...) is said in the list of what was skipped, and the file
gets a line for each host that could.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

NOTED = os.environ.get("EPY_ROUNDS")
GREW = 87  # what rounds.c exits with


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
    """Fail for growth."""
    if NOTED is not None and status == GREW:
        pytest.fail(f"each round leaves something\n{report}", pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the tests that are marked for it."""
    for item in items:
        once = item.get_closest_marker("once")
        if NOTED is not None and once is not None:
            item.add_marker(pytest.mark.skip(reason=f"not run in rounds: {once.args[0]}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Whatever else fails in rounds says only that these could not be run."""
    report = yield
    if NOTED is not None and report.failed and "each round leaves" not in report.longreprtext:
        report.outcome = "skipped"
        reason = report.longreprtext.strip().splitlines()[-1]
        report.longrepr = (str(item.path), item.location[1] or 0, f"not run in rounds: {reason}")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many hosts ran in rounds."""
    if NOTED is not None:
        hosts = len(Path(NOTED).read_text().split()) if Path(NOTED).exists() else 0
        terminalreporter.write_line(f"{hosts} hosts ran in rounds, which left nothing")
