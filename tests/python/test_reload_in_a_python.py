"""A reload that code in the process's Python asks for, or that reaches what it has imported."""

from __future__ import annotations

import sys

import pytest

FIRST = """
import epy
from ctypes import c_int

@epy.export
def start() -> c_int:
    return 0

@epy.export(error=-1)
def again() -> c_int:
    epy.reload()
    return 1

@epy.export(error=-5)
def twice(x: c_int) -> c_int:
    return 2 * x
"""


@pytest.mark.parametrize("name", ["plugin", None])
def test_the_program_s_python_can_ask_for_it(build_plugin, run, tmp_path, name):
    build_plugin(FIRST, "--editable")
    (tmp_path / "new.py").write_text(FIRST.replace("2 * x", "3 * x"))
    program = f"""
import ctypes, os
plugin = ctypes.CDLL("./plugin.so")
plugin.start()
import epy
twice = plugin.twice
os.rename("new.py", "plugin.py")
epy.reload({name!r} or os.path.abspath("plugin.so"))
print(twice(5))
try:
    epy.reload("other")
except epy.ReloadError as error:
    print(error)
"""
    assert run(sys.executable, "-c", program).stdout.splitlines() == [
        "15",
        "epy.reload('other'): no plugin with this path or name is loaded",
    ]


PUBLISHED = (
    FIRST
    + """
ext = epy.Bindings("studio")

@ext.function
def scale(x):
    return 2 * x

@ext.function
def old_only():
    return "old"

@ext.type
class Node:
    def name(self):
        return "old"

ext.version = 1
"""
)
PUBLISHED_HOST = """
import ctypes, os
plugin = ctypes.CDLL("./plugin.so")
plugin.start()
import epy, studio
from studio import *
node = Node()
os.rename("new.py", "plugin.py")
before = studio, scale, Node
print(plugin.again(), scale(3), node.name(), Node().name(), studio.version)
print(before == (studio, studio.scale, studio.Node), hasattr(studio, "old_only"))
try:
    print(old_only())
except epy.UnloadedError:
    print("gone")
"""


@pytest.mark.parametrize(
    ("broken", "shown"),
    [
        ("", ["1 30 new new 2", "True False", "gone"]),
        ("1 / 0", ["-1 6 old old 1", "True True", "old"]),
        ("epy.Bindings('other').x = 1\n1 / 0", ["-1 6 old old 1", "True True", "old"]),
    ],
)
def test_published_bindings_follow(build_plugin, run, tmp_path, broken, shown):
    build_plugin(PUBLISHED, "--editable")
    new = PUBLISHED.replace("2 * x", "10 * x").replace("old", "new")
    (tmp_path / "new.py").write_text(new.replace("version = 1", "version = 2") + broken)
    result = run(sys.executable, "-c", PUBLISHED_HOST)
    assert result.stdout.splitlines() == shown
    assert ("ZeroDivisionError" in result.stderr) == bool(broken)


def test_hooks_run_before_exit_functions_of_the_new_code(build_plugin, run, tmp_path):
    """When Python ends. Those of the old code are the program's, as they are after an unload."""
    ends = """
import atexit
atexit.register(print, "exit old", flush=True)
epy.on_unload(lambda: print("hook old", flush=True))
"""
    build_plugin(FIRST + ends, "--editable")
    (tmp_path / "new.py").write_text(FIRST + ends.replace("old", "new"))
    program = """
import ctypes, os
plugin = ctypes.CDLL("./plugin.so")
plugin.start()
os.rename("new.py", "plugin.py")
plugin.again()
"""
    lines = run(sys.executable, "-c", program).stdout.splitlines()
    assert lines == ["hook new", "exit new", "exit old"]
