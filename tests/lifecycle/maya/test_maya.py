"""A C++ program that embeds Python: a plugin gives its Python functions and takes them away."""

import os
from pathlib import Path

import pytest

HOST = Path(os.environ["EPY_BUILD_DIR"]) / "tests" / "lifecycle" / "maya_host"
HERE = Path(__file__).parent
IMPORTS = """
import cmds, os, sys
sys.stdout.reconfigure(line_buffering=True)  # as the program's own
PLUGIN = os.path.abspath("maya_python_c_ext.so")

def fails(error, function, *arguments):
    try:
        function(*arguments)
    except error as caught:
        return f"{type(caught).__name__}: {caught}"
    raise AssertionError(f"{function} did not raise {error}")
"""


@pytest.fixture(params=["hold", "release"])
def maya(request, build_plugin, run, tmp_path):
    """`maya(script)`: its output; plugins come and go with Python's lock held, or not."""
    build_plugin(HERE / "maya_python_c_ext.py")

    def maya(script):
        (tmp_path / "script.py").write_text(IMPORTS + script)
        # With malloc for all of Python, memory() sees all of it.
        variables = {"PYTHONPATH": None, "PYTHONMALLOC": "malloc"}
        result = run(HOST, tmp_path / "script.py", request.param, env=variables)
        assert result.stderr == ""
        return result.stdout

    return maya


def test_the_script_of_the_tutorial(maya):
    shown = maya("""
cmds.loadPlugin(PLUGIN)
from maya_python_c_ext import *
hello_world_maya("one")
print(add_to_active_selection_list("pCube1"), cmds.ls())
print(add_to_active_selection_list("persp"), cmds.ls())
print(add_to_active_selection_list("persp"), cmds.ls())
cmds.unloadPlugin(PLUGIN)
cmds.loadPlugin(PLUGIN)
hello_world_maya("two")
print(add_to_active_selection_list("pSphere1"), cmds.ls())
cmds.unloadPlugin(PLUGIN)
""")
    assert shown.splitlines() == [
        "// Hello from the Maya Python C extension: one //",
        "1 ['pCube1']",
        "2 ['pCube1', 'persp']",
        "2 ['pCube1', 'persp']",
        "// Hello from the Maya Python C extension: two //",
        "3 ['pCube1', 'persp', 'pSphere1']",
    ]


def test_status_codes_of_the_program_are_exceptions(maya):
    shown = maya("""
cmds.loadPlugin(PLUGIN)
from maya_python_c_ext import *
print(fails(LookupError, add_to_active_selection_list, "pTorus1"))
print(fails(ValueError, add_to_active_selection_list, ""))
print(cmds.ls())
""")
    assert shown.splitlines() == [
        "LookupError: no such node",
        "ValueError: kInvalidParameter",
        "[]",
    ]


def test_while_unloaded_a_call_says_so(maya):
    """At once, also where the plugin's end waits for Python's lock."""
    shown = maya("""
cmds.loadPlugin(PLUGIN)
import epy, maya_python_c_ext as ext
from maya_python_c_ext import *
print(ext.valid, epy.Bindings("maya_python_c_ext").valid)
cmds.unloadPlugin(PLUGIN)
print(fails(epy.UnloadedError, hello_world_maya, "three"))
print(ext.valid, epy.Bindings("maya_python_c_ext").valid)
cmds.loadPlugin(PLUGIN)
hello_world_maya("four")
print(ext.valid, epy.Bindings("maya_python_c_ext").valid)
""")
    assert shown.splitlines() == [
        "True True",
        "UnloadedError: maya_python_c_ext.hello_world_maya(): its plugin is not loaded: load it "
        "(again)",
        "False False",
        "// Hello from the Maya Python C extension: four //",
        "True True",
    ]


def test_a_published_class_comes_and_goes_with_its_objects(maya):
    shown = maya("""
import time
cmds.loadPlugin(PLUGIN)
import epy
from maya_python_c_ext import Node
node = Node("pCube1")
print(node.select(), cmds.ls())
cmds.unloadPlugin(PLUGIN)
time.sleep(0.001)  # its end takes the lock
cmds.loadPlugin(PLUGIN)
print(node.select(), Node("persp").select(), isinstance(node, Node), cmds.ls())
""")
    assert shown.splitlines() == ["1 ['pCube1']", "1 2 True ['pCube1', 'persp']"]


def test_a_hundred_rounds_do_not_grow_the_process(maya):
    shown = maya("""
cmds.loadPlugin(PLUGIN)
import epy, gc, time
from maya_python_c_ext import *
cmds.unloadPlugin(PLUGIN)

def memory():
    time.sleep(0.1)  # the end of the last one may wait for the lock
    gc.collect()
    return cmds.memory()

for count in range(100):
    fails(epy.UnloadedError, hello_world_maya, "none")
    cmds.loadPlugin(PLUGIN)
    add_to_active_selection_list("pCube1")
    Node("persp").select()
    cmds.unloadPlugin(PLUGIN)
    if count == 30:
        before = memory()
print(cmds.ls(), memory() - before)
""")
    selected, growth = shown.rsplit(" ", 1)
    assert selected == "['pCube1', 'persp']"
    assert int(growth) < 1024, growth  # KB; 70 scripts that stayed are 10,000
