"""Packages that not every Python has yet: what needs one of them is listed as skipped there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., object])

# Where there are wheels tests/setup.sh installs it, and a test that lacks it fails. It is there for
# the tests' own Python, not for one that EPY_PYTHON names.
OF_NUMPY = (
    pytest.mark.skipif(
        sys.version_info >= (3, 15) and find_spec("numpy") is None,
        reason="there is no numpy for this Python yet",
    ),
    pytest.mark.usefixtures("no_python_named"),
)


def needs_numpy(test: Test) -> Test:
    """A mark of tests."""
    for mark in OF_NUMPY:
        test = mark(test)
    return test
