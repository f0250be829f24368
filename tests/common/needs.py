"""Packages that not every Python has yet: what needs one of them is listed as skipped there."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

needs_numpy = pytest.mark.skipif(find_spec("numpy") is None, reason="this Python has no numpy")
