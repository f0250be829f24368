"""CMake says what is wrong with its settings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (f"EPY_PYTHONS={sys.executable}", "there is one already, for"),
        ("EPY_PYTHONS=/usr/bin/false", "EPY_PYTHONS names /usr/bin/false, for which no core"),
        ("EPY_CALL_PATH=no", "EPY_CALL_PATH is 'no': choose assembly or libffi"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, problem: str, run, tmp_path) -> None:
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    result = run(
        "cmake", "-S", ROOT, "-B", tmp_path, "-G", "Ninja", python, f"-D{setting}", status=1
    )
    assert problem in " ".join(result.stderr.split())
