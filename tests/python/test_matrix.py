"""The table of what the tests said under each CPython, which tests/matrix keeps up to date."""

from __future__ import annotations

import datetime
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TODAY = f"{datetime.date.today()}"


@pytest.fixture(scope="module")
def matrix():
    spec = spec_from_loader("matrix", SourceFileLoader("matrix", str(PROJECT / "tests/matrix")))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rows_of(matrix):
    """`rows_of(lines, rows)`: the lines of the table that had these, with the rows renewed."""
    head, end = f"Before.\n{matrix.BEGIN}{matrix.HEAD}", f"{matrix.END}After.\n"

    def rows_of(lines, rows):
        made = matrix.renewed(head + "".join(lines) + end, rows)
        assert made.startswith(head) and made.endswith(end)
        return made.removeprefix(head).removesuffix(end).splitlines(keepends=True)

    return rows_of


OLD = [
    "| 3.9.2 | Debian 11, gcc 10.2.1 | 5 passed, 1 failed | off | 2024-01-02 |\n",
    "| 3.13.0 | Debian 12, gcc 12.2.0 | 7 passed, 0 failed | on | 2024-01-02 |\n",
    "| 3.13.1t | Debian 12, gcc 12.2.0 | 3 passed, 4 failed | off | 2024-01-02 |\n",
]


def test_a_run_renews_the_rows_of_its_versions_and_says_where_and_when(matrix, rows_of):
    rows = rows_of(OLD, [matrix.Row("3.13.5", "8 passed, 0 failed", "on")])
    assert rows == [
        OLD[0],
        f"| 3.13.5 | {matrix.place()} | 8 passed, 0 failed | on | {TODAY} |\n",
        OLD[2],
    ]


def test_rows_are_in_the_order_of_versions_with_free_threads_last(matrix, rows_of):
    made = [matrix.Row(one, "passed") for one in ("3.14.2t", "3.10.0")]
    assert [row.split()[1] for row in rows_of(OLD, made)] == [
        "3.9.2",
        "3.10.0",
        "3.13.0",
        "3.13.1t",
        "3.14.2t",
    ]


def test_a_version_that_was_not_run_leaves_an_earlier_result_alone(matrix, rows_of):
    made = [matrix.Row(one, "not run", ran=False) for one in ("3.13", "3.15")]
    assert rows_of(OLD, made) == [
        *OLD[:2],
        f"| 3.15 |  | not run |  | {TODAY} |\n",
        OLD[2],
    ]


def test_a_file_without_a_table_is_refused(matrix):
    with pytest.raises(SystemExit, match="no table between '<!-- made by tests/matrix -->"):
        matrix.renewed("Text.\n", [])
