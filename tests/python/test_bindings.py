"""`epy.Bindings`: a module in the process's Python that comes and goes with its plugin.

Long because all of it is one script in one host.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

EXPORT = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def start() -> c_int:
    return 1
"""
SCRIPT = (
    EXPORT
    + '''
"""What the module is for."""
__doc__ = "What the module is for."
ext = epy.Bindings("studio")

@ext.function
def scale(value: float, factor: float = 2.0) -> float:
    """Make it larger."""
    return value * factor

@ext.type
class Node:
    """A node."""
    count = 0

    def __init__(self, name):
        self.name = name
        Node.count += 1

    def __len__(self):
        return len(self.name)

    def shout(self):
        return self.name.upper()

    @classmethod
    def made(cls):
        return cls.count

@ext.type
class StudioError(ValueError):
    """Something is wrong in the studio."""

    def where(self):
        return "here"

ext.version = "1.0"
ext.sizes = [1, 2]
'''
)
HOST = """
import _ctypes, ctypes, sys

def load(path):
    library = ctypes.CDLL(path)
    return library, library.start()

def unload(library):
    ctypes.CDLL(None).dlclose(ctypes.c_void_p(library._handle))

def fails(error, function, *arguments):
    try:
        function(*arguments)
    except error as caught:
        print(f"{type(caught).__name__}: {caught}")
    else:
        raise AssertionError(f"{function} did not raise {error}")

"""


@pytest.fixture
def host(run) -> Callable[..., list[str]]:
    """`host(program)`: the lines that a Python program prints which loads plugins.

    With `error`, that line, once, is on stderr.
    """

    def host(program: str, error: str = "") -> list[str]:
        result = run(sys.executable, "-c", HOST + program, env={"PYTHONPATH": None})
        assert error in result.stderr and result.stderr.count("\n") == bool(error), result.stderr
        return result.stdout.splitlines()

    return host


def test_functions_classes_and_values_can_be_imported(build_plugin, host):
    build_plugin(SCRIPT)
    assert host("""
library, _ = load("./plugin.so")
import studio
from studio import *
print(scale(3), scale(3, factor=5), Node("ab").shout(), Node.made(), len(Node("abc")))
print(version, studio.sizes, studio.valid)
""") == ["6.0 15 AB 1 3", "1.0 [1, 2] True"]


def test_it_is_not_there_before_the_first_call(build_plugin, host):
    build_plugin(SCRIPT)
    assert host("""
library = ctypes.CDLL("./plugin.so")
fails(ModuleNotFoundError, __import__, "studio")
library.start()
import studio
""") == ["ModuleNotFoundError: No module named 'studio'"]


@pytest.mark.parametrize("script", [SCRIPT, SCRIPT.replace("@epy.export(error=-1)\n", "")])
def test_an_eager_plugin_publishes_when_it_is_loaded(build_plugin, host, script):
    """It needs no export then."""
    build_plugin(script, "--eager")
    assert host("ctypes.PyDLL('./plugin.so'); import studio; print(studio.scale(2))") == ["4.0"]


def test_a_lazy_plugin_without_exports_is_told(epy, tmp_path):
    (tmp_path / "plugin.py").write_text(SCRIPT.replace("@epy.export(error=-1)\n", ""))
    assert "exports nothing" in epy("build", "plugin.py").stderr


def test_after_the_unload_nothing_leads_to_the_script(build_plugin, host):
    build_plugin(SCRIPT)
    assert host("""
library, _ = load("./plugin.so")
import studio
from studio import *
node = Node("ab")
error = StudioError("wrong")
unload(library)
import epy
fails(epy.UnloadedError, scale, 1)
fails(epy.UnloadedError, Node, "x")
fails(epy.UnloadedError, lambda: Node.made())
fails(epy.UnloadedError, lambda: node.shout())
fails(epy.UnloadedError, len, node)
fails(epy.UnloadedError, lambda: error.where())
fails(epy.UnloadedError, lambda: studio.version)
fails(ModuleNotFoundError, __import__, "studio")
print(node.name, isinstance(node, Node), error, hasattr(studio, "version"), studio.valid)
print([name for name in sys.modules if "plugin@" in name or name == "studio"])
""") == [
        "UnloadedError: studio.scale(): its plugin is not loaded: load it (again)",
        "UnloadedError: studio.Node: its plugin is not loaded: load it (again)",
        "UnloadedError: studio.Node.made: its plugin is not loaded: load it (again)",
        "UnloadedError: studio.Node.shout: its plugin is not loaded: load it (again)",
        "UnloadedError: studio.Node: its plugin is not loaded: load it (again)",
        "UnloadedError: studio.StudioError.where: its plugin is not loaded: load it (again)",
        "UnloadedNameError: studio.version: its plugin is not loaded: load it (again)",
        "ModuleNotFoundError: no module 'studio' now: the plugin that publishes it is not loaded",
        "ab True wrong False False",
        "[]",
    ]


def test_nothing_keeps_the_script_of_an_unloaded_plugin(build_plugin, host):
    build_plugin(
        SCRIPT + "\nimport builtins, weakref\nbuiltins.probe = weakref.ref(scale)"
        "\nbuiltins.class_probe = weakref.ref(Node.__mro__[-2])\n"
    )
    assert host("""
library, _ = load("./plugin.so")
import studio
from studio import *
node = Node("ab")
print(probe() is None, class_probe().__qualname__)
unload(library)
print(probe(), class_probe(), scale.__name__, scale.__doc__)
""") == ["False Node", "None None scale Make it larger."]


def test_what_was_imported_works_with_the_new_code(build_plugin, host, tmp_path):
    build_plugin(SCRIPT)
    plugin = (tmp_path / "plugin.so").rename(tmp_path / "first.so")
    new = SCRIPT.replace("value * factor", "value + factor").replace("upper()", "title()")
    build_plugin(new.replace('version = "1.0"', 'version = "2.0"'))
    assert host(f"""
import os, shutil
shutil.copy({str(plugin)!r}, "studio.so")
library, _ = load("./studio.so")
import studio
from studio import *
before = studio, scale, Node
node = Node("ab")
unload(library)
os.remove("studio.so")
shutil.copy("plugin.so", "studio.so")
library, _ = load("./studio.so")
import studio
print(scale(3), node.shout(), studio.version, Node("cd").shout(), Node.made())
print(before == (studio, studio.scale, studio.Node))
""") == ["5.0 Ab 2.0 Cd 1", "True"]


def test_what_the_new_code_does_not_publish_is_gone(build_plugin, host, tmp_path):
    build_plugin(SCRIPT)
    (tmp_path / "plugin.so").rename(tmp_path / "first.so")
    build_plugin(SCRIPT.replace("@ext.function", ""), name="second")
    assert host("""
library, _ = load("./first.so")
import studio
from studio import scale
unload(library)
library, _ = load("./second.so")
import epy
fails(epy.UnloadedError, scale, 1)
fails(AttributeError, lambda: studio.scale)
unload(library)
load("./first.so")
print(scale(1), studio.scale is scale)
""") == [
        "UnloadedError: studio.scale(): no plugin that is loaded publishes it",
        "AttributeError: module 'studio' has no attribute 'scale'",
        "2.0 True",
    ]


def test_introspection_shows_the_script_s_functions(build_plugin, host):
    build_plugin(SCRIPT)
    lines = host("""
library, _ = load("./plugin.so")
import inspect, pickle, studio
from studio import *
print(inspect.signature(scale), inspect.getdoc(scale), scale.__module__, scale.__qualname__)
print(inspect.signature(Node), Node.__doc__, Node.__module__, studio.__doc__)
print(pickle.loads(pickle.dumps(scale)) is scale, pickle.loads(pickle.dumps(Node("ab"))).name)
print(inspect.getsource(scale).splitlines()[1])
help(studio)
""")
    assert lines[:4] == [
        "(value: float, factor: float = 2.0) -> float Make it larger. studio scale",
        "(name) A node. studio What the module is for.",
        "True ab",
        "def scale(value: float, factor: float = 2.0) -> float:",
    ]
    assert "    scale(value: float, factor: float = 2.0) -> float" in lines
    assert "        Make it larger." in lines
    assert "    studio - What the module is for." in lines


@pytest.mark.parametrize("share", ["", ", share=True"])
def test_a_second_plugin_of_the_name_is_refused(build_plugin, host, share):
    build_plugin(SCRIPT)
    build_plugin(SCRIPT.replace('"studio"', f'"studio"{share}'), name="other")
    assert host(
        """
load("./plugin.so")
print(load("./other.so")[1])
import studio
print(studio.scale(1), studio.valid)
""",
        error="other.so: 'studio' is published by",
    ) == ["-1", "2.0 True"]


def test_a_name_is_free_again_after_the_unload(build_plugin, host):
    build_plugin(SCRIPT)
    build_plugin(SCRIPT.replace("2.0", "3.0"), name="other")
    assert host("""
library, _ = load("./plugin.so")
from studio import scale
unload(library)
load("./other.so")
print(scale(1))
""") == ["3.0"]


SHARED = (
    EXPORT
    + """
ext = epy.Bindings("studio", share=True)
ext.NAME = 1

@ext.function(name="use_NAME")
def use():
    return "NAME"
"""
)


def test_plugins_that_share_a_name_fill_one_module(build_plugin, host):
    for name in ("one", "two"):
        build_plugin(SHARED.replace("NAME", name), name=name)
    assert host("""
one, _ = load("./one.so")
load("./two.so")
import studio, epy
print(studio.one, studio.two, studio.use_one(), studio.use_two())
use_one = studio.use_one
unload(one)
fails(epy.UnloadedError, use_one)
fails(AttributeError, lambda: studio.one)
print(studio.two, studio.use_two(), studio.valid)
load("./one.so")
print(use_one(), studio.one)
""") == [
        "1 1 one two",
        "UnloadedError: studio.use_one(): no plugin that is loaded publishes it",
        "AttributeError: module 'studio' has no attribute 'one'",
        "1 two True",
        "one 1",
    ]


def test_a_name_in_a_shared_module_belongs_to_one_plugin(build_plugin, host):
    for name in ("one", "two"):
        build_plugin(SHARED.replace("use_NAME", "use").replace("NAME", name), name=name)
    assert host(
        """
load("./one.so")
print(load("./two.so")[1])
import studio
print(studio.use())
""",
        error="two.so: 'studio.use' is published by",
    ) == ["-1", "one"]


@pytest.mark.parametrize("loaded", ["import studio", ""])
def test_the_name_of_a_module_is_refused(build_plugin, host, tmp_path, loaded):
    build_plugin(SCRIPT)
    (tmp_path / "studio.py").write_text("real = True\n")
    error = f"plugin.so: 'studio' is the name of a module ({tmp_path}/studio.py)"
    assert host(
        f"{loaded}\nprint(load('./plugin.so')[1])\nimport studio; print(studio.real)", error=error
    ) == ["-1", "True"]


def test_a_script_may_have_the_name_of_its_module(build_plugin, host):
    """It lies in the folder that Python looks at first, and so does its plugin."""
    build_plugin(SCRIPT, name="studio")
    assert host("""
library, _ = load("./studio.so")
import studio
print(studio.scale(1), studio.valid)
""") == ["2.0 True"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epy.Bindings('json')", "'json' is the name of a module"),
        ("epy.Bindings('a.b')", "epy.Bindings('a.b'): give an identifier"),
        ("epy.Bindings(3)", "epy.Bindings(3): give an identifier"),
        ("ext.valid = 1", "'studio.valid' has a meaning here"),
        ("ext.function(lambda: 1)", "'<lambda>' is no name in 'studio'"),
        ("ext.function(3)", "3 is no function"),
        ("ext.type(3)", "3 is no class"),
        ("ext.type(type('Slots', (), {'__slots__': ('x',)}))", "lays out its objects itself"),
        ("import enum; ext.type(enum.Enum('Color', 'RED'))", "has the metaclass EnumType"),
    ],
)
def test_mistakes_are_one_line_at_build(epy, tmp_path, line, message):
    (tmp_path / "plugin.py").write_text(SCRIPT + line + "\n")
    result = epy("build", "plugin.py", status=2)
    assert message in result.stderr.replace("EnumMeta", "EnumType")
    assert result.stderr.count("\n") == 1


def test_a_plugin_that_does_not_start_publishes_nothing(build_plugin, run):
    build_plugin(SCRIPT + "\n@epy.on_load\ndef fail():\n    import studio\n    1 / 0\n")
    program = "print(load('./plugin.so')[1], 'studio' in sys.modules)"
    result = run(sys.executable, "-c", HOST + program)
    assert result.stdout == "-1 False\n"
    assert "ZeroDivisionError" in result.stderr


def test_a_published_function_belongs_to_its_plugin_whoever_calls(build_plugin, native, run):
    build_plugin(
        EXPORT
        + """
ext = epy.Bindings("studio")
@ext.function
def name():
    return epy.plugin.name
"""
    )
    build_plugin(
        """
import epy

@epy.export("int same(void)", error=-1)
def same():
    import studio
    return studio.name() == "plugin" and epy.plugin.name == "caller"
""",
        name="caller",
    )
    result = run(
        *(native("call"), "open ./plugin.so", "int start", "open ./caller.so", "int same"),
    )
    assert (result.stdout.split(), result.stderr) == (["1", "1"], "")


def test_values_and_functions_can_be_published_later(build_plugin, host):
    build_plugin(
        SCRIPT
        + """
@epy.export
def more() -> c_int:
    ext.version = "1.1"
    ext.later = lambda: "later"
    return 1
"""
    )
    assert host("""
library, _ = load("./plugin.so")
import studio
library.more()
print(studio.version, studio.later(), studio.later.__module__)
later = studio.later
unload(library)
import epy
fails(epy.UnloadedError, later)
""") == [
        "1.1 later studio",
        "UnloadedError: studio.later(): its plugin is not loaded: load it (again)",
    ]


@pytest.mark.parametrize(
    "where", ["@epy.on_load\ndef make():", "@epy.export\ndef more() -> c_int:"]
)
def test_bindings_can_be_made_after_the_script_has_run(build_plugin, host, where):
    build_plugin(EXPORT + where + '\n    epy.Bindings("studio").number = 3\n    return 1\n')
    assert host("""
library, _ = load("./plugin.so")
if hasattr(library, "more"):
    library.more()
import studio
print(studio.number)
""") == ["3"]


def test_reload_of_importlib_leaves_the_module_as_it_is(build_plugin, host):
    build_plugin(SCRIPT)
    assert host("""
library, _ = load("./plugin.so")
import importlib, studio
print(importlib.reload(studio) is studio, studio.scale(1))
""") == ["True 2.0"]


def test_outside_a_plugin_it_publishes_nothing(run):
    program = """
import epy, sys
ext = epy.Bindings("studio")
@ext.function
def f(): return 1
print(f(), ext.valid, "studio" in sys.modules)
"""
    assert run(sys.executable, "-c", program).stdout == "1 False False\n"
