"""Packages that not every Python has yet: what needs one of them is listed as skipped there."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

# Where there are wheels tests/setup.sh installs it, and a test that lacks it fails.
needs_numpy = pytest.mark.skipif(
    sys.version_info >= (3, 15) and find_spec("numpy") is None,
    reason="there is no numpy for this Python yet",
)
