import sqlite3
from pathlib import Path

import NAME
import pytest

from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return build(Path(__file__).with_name("NAME.py"), tmp_path_factory.mktemp("plugin"))


def test_the_function():
    assert NAME.shout("hello") == "HELLO!"


@pytest.mark.skipif(
    not hasattr(sqlite3.Connection, "enable_load_extension"),
    reason="this Python's SQLite is one that loads no extensions",
)
def test_sql_calls_it(plugin):
    """Python's own SQLite is a host like any other."""
    with sqlite3.connect(":memory:") as connection:
        connection.enable_load_extension(True)
        connection.load_extension(str(plugin))
        rows = connection.execute("select shout('hello'), shout(null)").fetchall()
    assert rows == [("HELLO!", None)]
