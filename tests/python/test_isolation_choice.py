"""`epy build --isolation`: what it takes, and what does not go with it."""

from __future__ import annotations

import sys

import pytest

SCRIPT = """
import epy

@epy.export("int f(void)", error=-7)
def f():
    return 1
"""


@pytest.fixture
def refused(epy, tmp_path):
    """`refused(script, *arguments)`: the one line of a build that fails."""

    def refused(script: str, *arguments: str) -> str:
        (tmp_path / "plugin.py").write_text(script)
        result = epy("build", "plugin.py", "--isolation", "own-gil", *arguments, status=2)
        assert result.stderr.count("\n") == 1
        assert not (tmp_path / "plugin.so").exists()
        return result.stderr

    return refused


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="of Pythons that have no such interpreters")
def test_an_older_python_is_refused(refused):
    assert "--isolation own-gil takes CPython 3.13 or newer" in refused(SCRIPT)


def test_a_reload_is_refused(refused):
    assert "--reload watches from a thread" in refused(SCRIPT, "--reload")


def test_a_whole_python_for_one_plugin_is_not_offered(refused):
    """docs/living.md says why."""
    assert "invalid choice: 'private'" in refused(SCRIPT, "--isolation", "private")
