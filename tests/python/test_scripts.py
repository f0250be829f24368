"""What a script may be and do: modules, packages, hooks, `epy.plugin`, ways to build it."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

PACKAGE = {
    "__init__.py": """
import epy
from ctypes import c_int
from . import tools
from .sub.deep import DEPTH
from synth.tools import STEP as by_public_name
import synth.sub.deep

@epy.export
def total() -> c_int:
    from .lazily import LATE
    return tools.STEP + DEPTH + by_public_name + synth.sub.deep.DEPTH + LATE
""",
    "tools.py": "STEP = 1\n",
    "lazily.py": "from . import tools\nLATE = tools.STEP * 10000\n",
    "sub/__init__.py": "",
    "sub/deep.py": "from ..tools import STEP\nDEPTH = 100 * STEP\n",
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "synth"
    for name, text in PACKAGE.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize("kind", ["stored", "editable", "eager", "bare"])
def test_a_package(epy, call, package, tmp_path, kind):
    if kind == "bare":
        epy("stub", "-o", tmp_path / "synth.so")
    else:
        option = [] if kind == "stored" else [f"--{kind}"]
        epy("build", package, "-o", tmp_path / "synth.so", *option)
    if kind in ("stored", "eager"):
        shutil.rmtree(package)
    assert call("open ./synth.so", "int total") == ["10202"]


def test_a_stored_plugin_needs_no_script_any_more(build_plugin, call, tmp_path):
    build_plugin("import epy\n@epy.export('int f(void)')\ndef f(): return 3\n")
    (tmp_path / "plugin.py").unlink()
    assert call("open ./plugin.so", "int f") == ["3"]


def test_an_editable_plugin_runs_the_script_as_it_is_now(build_plugin, call, tmp_path):
    text = "import epy\n@epy.export('int f(void)')\ndef f(): return 3\n"
    build_plugin(text, "--editable")
    (tmp_path / "plugin.py").write_text(text.replace("3", "4"))
    assert call("open ./plugin.so", "int f") == ["4"]


def test_an_editable_plugin_whose_script_is_gone_says_so(build_plugin, native, run, tmp_path):
    build_plugin(
        "import epy\n@epy.export('int f(void)', error=-1)\ndef f(): return 3\n", "--editable"
    )
    (tmp_path / "plugin.py").unlink()
    result = run(native("call"), "open ./plugin.so", "int f")
    assert result.stdout == "-1\n"
    assert str(tmp_path / "plugin.py") in result.stderr


def test_an_export_that_an_edited_script_no_longer_defines(build_plugin, native, run, tmp_path):
    text = "import epy\n"
    for name in ("kept", "gone"):
        text += f"@epy.export('int {name}(void)', error=-6)\ndef {name}(): return 3\n"
    build_plugin(text, "--editable")
    (tmp_path / "plugin.py").write_text(text[: text.rindex("@")])
    calls = ["int kept", "int gone", "int gone"]
    result = run(native("call"), "open ./plugin.so", *calls)
    assert result.stdout.splitlines() == ["3", "-6", "-6"]
    assert len(result.stderr.splitlines()) == 1
    assert "'gone' is in the file, but the script did not define it" in result.stderr


HOOKS = """
import epy
from ctypes import c_int

print("script", flush=True)
state = 0

@epy.on_load
def first():
    global state
    state = 1
    print("load 1", flush=True)

@epy.on_load
def second():
    print("load 2", flush=True)

@epy.on_unload
def last():
    print("unload 1", flush=True)

@epy.on_unload
def before():
    print("unload 2", flush=True)

@epy.export
def loaded() -> c_int:
    return state
"""


def test_on_load_runs_before_the_first_call_and_on_unload_in_reverse_order(build_plugin, call):
    build_plugin(HOOKS)
    assert call("open ./plugin.so", "find loaded", "int loaded", "int loaded", "close") == [
        *("loaded: yes", "script", "load 1", "load 2", "1", "1", "unload 2", "unload 1")
    ]


def test_on_load_of_an_eager_plugin_runs_inside_dlopen(build_plugin, call):
    build_plugin(HOOKS, "--eager")
    assert call("open ./plugin.so", "find loaded") == [
        *("script", "load 1", "load 2", "loaded: yes", "unload 2", "unload 1")
    ]


def test_build_runs_no_hooks(epy, tmp_path):
    script = tmp_path / "plugin.py"
    script.write_text(HOOKS)
    result = epy("build", script, "-o", tmp_path / "plugin.so")
    assert "script\n" in result.stdout
    assert "load" not in result.stdout.replace("plugin", "")


def test_a_plugin_that_was_never_called_runs_no_hooks(build_plugin, call):
    build_plugin(HOOKS)
    assert call("open ./plugin.so", "close", "python") == ["python: no"]


def test_epy_plugin_tells_the_script_about_its_plugin(build_plugin, call, tmp_path):
    build_plugin("""
import epy

at_import = f"{epy.plugin.name} {epy.plugin.state} {epy.building}"

@epy.export("const char *at_import_time(void)")
def at_import_time():
    return at_import.encode()

@epy.export("const char *now(void)")
def now():
    return f"{epy.plugin.name} {epy.plugin.state} {epy.building}".encode()

@epy.export("const char *where(void)")
def where():
    return f"{epy.plugin.path} {epy.plugin.folder}".encode()
""")
    assert call("open ./plugin.so", "text at_import_time", "text now", "text where") == [
        *("plugin starting False", "plugin ready False", f"{tmp_path}/plugin.so {tmp_path}")
    ]


def test_epy_plugin_in_a_thread_of_the_script(build_plugin, call, tmp_path):
    build_plugin("""
import epy, threading

@epy.export("const char *name_in_thread(void)")
def name_in_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(epy.plugin.name.encode()))
    thread.start()
    thread.join()
    return found[0]
""")
    assert call("open ./plugin.so", "text name_in_thread") == ["plugin"]


def test_epy_building_is_true_while_building(epy, tmp_path):
    script = tmp_path / "plugin.py"
    script.write_text(
        "import epy\nprint('building', epy.building, epy.plugin.state)\n"
        "epy.export('int f(void)')(lambda: 3)\n"
    )
    assert "building True building\n" in epy("build", script, "-o", tmp_path / "plugin.so").stdout


def test_export_list_of_names_and_addresses(build_plugin, call):
    """The way of the first epy-plugin."""
    build_plugin("""
from ctypes import CDLL, CFUNCTYPE, c_int

@CFUNCTYPE(c_int, c_int)
def double(x):
    return 2 * x

EPY_EXPORT_LIST = [("twice", double), CDLL(None).abs]
""")
    assert call("open ./plugin.so", "int twice 21", "int abs -5") == ["42", "5"]


def test_export_address_takes_an_int_a_function_or_an_object_with_an_address(build_plugin, call):
    build_plugin("""
import ctypes, epy, gc

libc = ctypes.CDLL(None)
epy.export_address("by_number", ctypes.cast(libc.abs, ctypes.c_void_p).value)
epy.export_address("by_function", libc.abs)

@epy.callback("int (*)(int)")
def triple(x):
    return 3 * x

class Compiled:
    address = triple.address
    keep = triple

epy.export_address("by_attribute", Compiled())
del Compiled, triple
gc.collect()
""")
    assert call(
        "open ./plugin.so", "int by_number -3", "int by_function -4", "int by_attribute 5"
    ) == [*("3", "4", "15")]


def test_an_exported_address_is_a_plain_jump(build_plugin, call):
    """Nothing of Python takes part: the interpreter lock is not taken for it."""
    build_plugin("""
import ctypes, epy
from ctypes import c_int

check = ctypes.pythonapi.PyGILState_Check
epy.export_address("locked", check)

@epy.export
def locked_in_python() -> c_int:
    return check()
""")
    calls = ["int locked", "int locked_in_python", "int locked", "threads 2 int locked"]
    assert call("open ./plugin.so", *calls) == ["0", "1", "0", "0", "0"]


def test_a_script_prints_and_writes_utf_8_in_the_c_locale(build_plugin, call):
    build_plugin("""
import epy, locale, sys

@epy.export("const char *say(void)")
def say():
    print("gr\\u00fc\\u00df", flush=True)
    return f"{sys.stdout.encoding} {sys.flags.utf8_mode}".encode()
""")
    environment = {"LC_ALL": "C", "LANG": None}
    assert call("open ./plugin.so", "text say", env=environment) == ["grüß", "utf-8 1"]


def test_a_traceback_shows_the_stored_lines_even_if_the_script_was_edited(
    build_plugin, native, run, tmp_path
):
    build_plugin("import epy\n@epy.export('int f(void)')\ndef f(): return 1 // 0  # stored\n")
    (tmp_path / "plugin.py").write_text("\n\nanother line\n")
    result = run(native("call"), "open ./plugin.so", "int f")
    assert "return 1 // 0  # stored" in result.stderr
    assert "another line" not in result.stderr


def test_the_environment_does_not_change_how_python_starts(build_plugin, call, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('hijacked', flush=True)")
    build_plugin("import epy\n@epy.export('int f(void)')\ndef f(): return 3\n")
    environment = {"PYTHONPATH": os.fspath(tmp_path), "PYTHONHOME": "/nowhere"}
    assert call("open ./plugin.so", "int f", env=environment) == ["3"]


def test_sigint_keeps_the_hosts_disposition(build_plugin, call):
    build_plugin("""
import epy
from pathlib import Path

@epy.export("const char *caught(void)")
def caught():
    import asyncio
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("SigCgt")).encode()
""")
    (caught,) = call("open ./plugin.so", "text caught")
    assert not int(caught, 16) & 1 << (signal.SIGINT - 1)
