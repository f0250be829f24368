"""The names of scripts' modules: the same in every run, different for every plugin's file."""

import shutil
import sys

import pytest

PICKLING = """
import epy, pickle

class Checker:
    def __init__(self, word):
        self.word = word

def helper():
    return 1

@epy.export("int save(const char *path)", error=-1)
def save(path):
    with open(path, "wb") as file:
        pickle.dump([Checker("ab"), Checker, helper], file)
    return 0

@epy.export("int load(const char *path)", error=-1)
def load(path):
    with open(path, "rb") as file:
        made, cls, function = pickle.load(file)
    assert type(made) is Checker is cls and function is helper
    return len(made.word)

@epy.export("int save_here(void)", error=-1)
def save_here():
    return save("data")

@epy.export("int load_here(void)", error=-1)
def load_here():
    return load("data")

@epy.export("const char *name(void)")
def name():
    return __name__.encode()
"""


@pytest.fixture
def copies(build_plugin, tmp_path):
    """The same plugin in two folders, and another one of the same name."""
    plugin = build_plugin(PICKLING)
    (tmp_path / "copy").mkdir()
    shutil.copy(plugin, tmp_path / "copy/plugin.so")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/plugin.py").write_text(PICKLING)
    other = build_plugin(tmp_path / "other/plugin.py")
    other.rename(tmp_path / "other/plugin.so")
    plugin = build_plugin(PICKLING)
    return [plugin, tmp_path / "copy/plugin.so", tmp_path / "other/plugin.so"]


def test_a_pickle_finds_its_classes_in_the_next_run_in_any_order(copies, native, run):
    plugin, copy, other = copies
    run(native("call"), f"open {plugin}", "int save_here")
    for before in ([], [copy], [other], [copy, other]):
        opened = [command for path in before for command in (f"open {path}", "text name")]
        result = run(native("call"), *opened, f"open {plugin}", "int load_here")
        assert result.stdout.split()[-1] == "2", (before, result.stderr)


def test_a_pickle_finds_its_classes_after_a_rebuild_and_when_loaded_again(
    build_plugin, native, run
):
    opened = f"open {build_plugin(PICKLING)}"
    again = ["int save_here", "close", opened, "text name", "int load_here"]
    first = run(native("call"), opened, "text name", *again).stdout.split()
    assert first[-1] == "2"
    assert first[0] == first[-2]
    build_plugin("\n" + PICKLING)
    assert run(native("call"), opened, "int load_here").stdout == "2\n"


def test_plugins_of_one_name_never_find_each_others_classes(copies, native, run):
    plugin, copy, other = copies
    result = run(
        *(native("call"), f"open {plugin}", f"open {copy}", f"open {other}"),
        *("text 0:name", "text 1:name", "text 2:name"),
        *("int 0:save_here", "int 0:load_here", "int 1:load_here", "int 2:load_here"),
        *("close 0", "int 1:load_here"),
    )
    *names, saved, own, second, third, last = result.stdout.split()
    assert len(set(names)) == 3
    assert (saved, own) == ("0", "2")
    assert (second, third, last) == ("-1", "-1", "-1")
    assert result.stderr.count("AssertionError") == 2
    assert "the plugin plugin that it belongs to is not loaded" in result.stderr


def test_processes_that_a_script_forks_exchange_its_objects(build_plugin, native, run):
    plugin = build_plugin(
        PICKLING
        + """
import multiprocessing

def length(checker):
    return len(checker.word)

@epy.export("int work(void)", error=-1)
def work():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return sum(pool.map(length, [Checker("abc"), Checker("d")]))
"""
    )
    result = run(native("call"), f"open {plugin}", "int work")
    assert result.stdout == "4\n", result.stderr


def test_names_show_the_plugin_in_tracebacks_and_logs(build_plugin, native, run):
    plugin = build_plugin(
        PICKLING + "class Wrong(Exception): pass\n@epy.export('int f(void)')\n"
        "def f(): raise Wrong\n",
        name="synth",
    )
    result = run(native("call"), f"open {plugin}", "text name", "int f")
    name = result.stdout.split()[0]
    assert name.startswith("synth@")
    assert f"{plugin.with_suffix('.py')}" in result.stderr
    assert f"{name}.Wrong" in result.stderr


def test_a_file_that_replaces_a_loaded_one_has_a_name_of_its_own(
    build_plugin, native, run, tmp_path
):
    plugin = build_plugin(PICKLING)
    shutil.copy(plugin, tmp_path / "new.so")
    replace = f"rename {tmp_path}/new.so {plugin}"
    commands = [f"open {plugin}", "text name", replace, "open ./plugin.so", "text name"]
    first, second = run(native("call"), *commands).stdout.split()
    assert second == f"{first}-2"


def test_a_python_host_sees_the_same_names(build_plugin, native, run):
    plugin = build_plugin(PICKLING)
    host = (
        "import ctypes; name = ctypes.CDLL('./plugin.so').name\n"
        "name.restype = ctypes.c_char_p\nprint(name().decode())\n"
    )
    started = run(native("call"), f"open {plugin}", "text name").stdout
    assert run(sys.executable, "-c", host).stdout == started
