"""Handles on both sides of a reload: old ones come to the new code, and new ones to the old."""

from __future__ import annotations

import sys

import pytest

SCRIPT = """
import epy
from ctypes import CFUNCTYPE, c_int

class Box(epy.Object):
    def value(self):
        return 1

class Small(Box):
    pass

@epy.export
def make() -> Box:
    return Box()

@epy.export
def small() -> Small:
    return Small()

@epy.export
def make_late() -> Box:
    epy.reload()  # this call goes on in the old code
    return Box()

@epy.export(error=-1)
def use(box: Box) -> c_int:
    return box.value()

@epy.export(error=-1)
def close(box: epy.Consumed[Box]) -> c_int:
    return box.value()

kept = [lambda box: box.value()]
if FIRST:  # one more than the new code makes: it keeps the old one
    kept.append(lambda box: 10 * box.value())
callbacks = [epy.callback(CFUNCTYPE(c_int, Box))(function) for function in kept]

@epy.export
def callback() -> CFUNCTYPE(c_int, Box):
    return callbacks[-1]

@epy.export(error=-1)
def again() -> c_int:
    epy.reload()
    return 0

@epy.export
def same(box: Box) -> Box:
    return box
"""
HOST = """
import ctypes, os, sys
from ctypes import CFUNCTYPE, c_int, c_void_p

plugin = ctypes.CDLL("./plugin.so")
class Host:
    def __getattr__(self, name):
        function = getattr(plugin, name)
        function.restype = c_int if name in ("use", "close", "again") else c_void_p
        return lambda *handles: function(*map(c_void_p, handles))
host = Host()
"""
WAYS = {
    "made before": (
        "box = host.make(); edit(); print(host.use(box), host.close(box), host.use(box))",
        "1 1 -1",
    ),
    "of a subclass": ("box = host.small(); edit(); print(host.use(box), host.close(box))", "1 1"),
    "made by a call that was under way": (
        "host.make(); rename(); box = host.make_late(); print(host.use(box), host.close(box))",
        "1 1",
    ),
    "given out by the new code": (
        "box = host.make(); edit(); print(host.same(box) == box, host.close(box), host.close(box))",
        "True 1 1",
    ),
    "new ones in old callbacks": (
        "old = CFUNCTYPE(c_int, c_void_p)(host.callback()); edit(); print(old(host.make()))",
        "20",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_handles_fit_whichever_code_has_made_their_objects(build_plugin, run, tmp_path, way):
    commands, answers = WAYS[way]
    build_plugin(SCRIPT.replace("FIRST", "True"), "--editable")
    new = SCRIPT.replace("FIRST", "False").replace("return 1", "return 2")
    (tmp_path / "new.py").write_text(new)
    edits = """
def rename():
    os.rename("new.py", "plugin.py")
def edit():
    rename()
    assert host.again() == 0
"""
    result = run(sys.executable, "-c", HOST + edits + commands)
    assert result.stdout.split() == answers.split(), result.stderr
    if "-1" in answers:
        assert "is no live handle of Box" in result.stderr
    else:
        assert result.stderr == ""


def test_classes_of_one_name_that_functions_make_are_not_the_same(build_plugin, run):
    build_plugin("""
import epy
from ctypes import c_int

def make_class():
    class Box(epy.Object):
        pass
    return Box

One, Other = make_class(), make_class()

@epy.export
def make() -> One:
    return One()

@epy.export(error=-1)
def use(box: Other) -> c_int:
    return 0
""")
    result = run(sys.executable, "-c", HOST + "print(host.use(host.make()))")
    assert result.stdout == "-1\n"
    assert "is no handle of Box but of Box: the host mixed its handles up" in result.stderr
