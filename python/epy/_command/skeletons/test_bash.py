import subprocess
from pathlib import Path

import NAME
import pytest

from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


def test_the_function():
    assert NAME.shout("hello") == "HELLO!"


def test_bash_calls_it(plugin):
    script = f"enable -f {plugin} NAME; NAME hello world; help -d NAME"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    said = result.stdout.splitlines()
    assert said == ["HELLO!", "WORLD!", "NAME - Print each word loudly."], result.stderr
