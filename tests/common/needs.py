"""What not every Python or build has: tests that need it are listed as skipped there, with why."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., object])

# Where there are wheels tests/setup.sh installs it, and a test that lacks it fails.
with_numpy = pytest.mark.skipif(
    sys.version_info >= (3, 15) and find_spec("numpy") is None,
    reason="there is no numpy for this Python yet",
)


def needs_numpy(test: Test) -> Test:
    """Marks a test whose plugin imports it: it is there for the tests' own Python."""
    return pytest.mark.usefixtures("no_python_named")(with_numpy(test))


def bears_no_thread_sanitizer(reason: str) -> pytest.MarkDecorator:
    """A mark of tests."""
    return pytest.mark.skipif("libtsan" in os.environ.get("LD_PRELOAD", ""), reason=reason)
