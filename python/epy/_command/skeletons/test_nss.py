import os
import shutil
import subprocess
from pathlib import Path

import NAME
import pytest

from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


def test_who_is_found():
    assert NAME.find(name="alice") == NAME.find(id=4242)
    assert NAME.find(name="nobody-of-that-name") is None


def test_glibc_finds_a_user(plugin):
    shutil.copy(plugin, plugin.with_name("libnss_NAME.so.2"))
    result = subprocess.run(
        ["getent", "-s", "NAME", "passwd", "alice", "4242"],
        env={**os.environ, "LD_LIBRARY_PATH": str(plugin.parent)},
        capture_output=True,
        text=True,
    )
    assert result.stdout == 2 * "alice:x:4242:4242:Alice:/nowhere:/bin/sh\n", result.stderr
