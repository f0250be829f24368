"""What the tests with real hosts share: running a program that knows nothing of Python."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest

Result = subprocess.CompletedProcess[str]


@pytest.fixture
def run_host(run: Callable[..., Result]) -> Callable[..., Result]:
    """`run_host("sqlite3", ...)`: like `run`, without this Python's settings.

    A host that is not installed is a failure.
    """

    def run_host(program: str, *arguments: str, env: dict[str, str] | None = None) -> Result:
        if shutil.which(program) is None:
            pytest.fail(f"{program} is not installed: tests/setup.sh installs it", pytrace=False)
        return run(program, *arguments, env={"PYTHONPATH": None, **(env or {})})

    return run_host
