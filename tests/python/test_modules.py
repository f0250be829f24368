"""A script's modules under their private names, and the start and end of a plugin in Python."""

from __future__ import annotations

import importlib.util
import linecache
import sys
from pathlib import Path
from typing import Any

import pytest

import epy
from epy import _core, _plugin, _report
from epy._command.building import Building
from epy._file import archive_writer
from epy._file.sources import read_script
from epy._modules import Sources, drop_modules, run_modules
from epy._script import Script, registry

ADD = """
import epy
from ctypes import c_int

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""


class FakePlugin:
    """Stands in for `_core.NativePlugin`."""

    path = "/plugins/synth.so"
    script: str | None = None
    inside_dlopen = False

    def __init__(self, archive: bytes = b"") -> None:
        self.archive = memoryview(archive)
        self.published: dict[int, Any] = {}
        self.names: dict[str, int] = {}

    def trampoline(self, index: int) -> int:
        return 0x10000 + 16 * index

    def publish(self, index: int, target: Any) -> None:
        self.published[index] = target

    def begin_start(
        self, functions: bytes, fields: tuple[str, ...], offered: dict[str, Any]
    ) -> None:
        pass

    def end_start(self) -> None:
        pass

    def take_slot(self, name: str) -> int:
        return 100 + len(self.published)

    def append_function(self, name: str, index: int) -> None:
        self.names[name] = index

    def next_function(self, name: str) -> int:
        return 0


def archive(source: str, *rows: tuple[str, ...]) -> bytes:
    manifest = [("plugin", "synth"), ("kind", "module"), ("source", "/src/synth.py"), *rows]
    return archive_writer.write(manifest, [("", "/src/synth.py", source.encode())])


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`load(native)`: `_plugin.load` as the core calls it, with the plugin as the current one."""

    def load(native: Any) -> bool:
        monkeypatch.setattr(_core, "current_plugin", lambda: native)
        return _plugin.load(native) == _plugin._READY

    yield load
    for native in list(registry.by_plugin):
        _plugin.unload(native)


def package(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def build(path: Path) -> tuple[Script, Any]:
    """What `epy build` does to import a script."""
    script = Building(path.stem, str(path))
    return script, script.run(read_script(str(path)))


def test_a_script_runs_under_a_private_name(tmp_path: Path) -> None:
    package(tmp_path, {"synth.py": "WHERE = __file__, __name__\n" + ADD})
    script, module = build(tmp_path / "synth.py")
    assert module.WHERE == (str(tmp_path / "synth.py"), script.module)
    assert script.module.startswith("synth@") and "synth" not in sys.modules
    assert sys.modules[script.module] is module
    assert list(script.exports) == ["add"] and module.add(1, 2) == 3
    assert not epy.building
    drop_modules(script.module)
    assert script.module not in sys.modules


def test_a_package_finds_its_modules_by_its_public_name(tmp_path: Path) -> None:
    folder = package(
        tmp_path / "synth",
        {
            "__init__.py": """
from synth import other
from . import util as same
from synth.util import VALUE
import synth.util
import synth.sub.deep as deep, json
top = synth
""",
            "util.py": "VALUE = 1\ndef own():\n    import synth.util\n    return synth\n",
            "other.py": "from .util import VALUE\nfrom .folder.leaf import LEAF\n",
            "sub/__init__.py": "",
            "sub/deep.py": "from ..util import VALUE\nfrom synth import VALUE as same\n",
            "folder/leaf.py": "LEAF = 2\n",
            "folder/data.txt": "not a module",
            ".hidden/x.py": "",
        },
    )
    sources = read_script(str(folder))
    assert sources.package and list(sources.data) == ["folder/data.txt"]
    assert list(sources.members) == ["", "folder.leaf", "other", "sub", "sub.deep", "util"]
    script, module = build(folder)
    assert module.top is module and module.same is module.util
    assert module.other.LEAF == 2 and module.deep.same == 1
    assert module.util.own() is module
    assert module.json is sys.modules["json"]
    assert not Path(*module.__path__).exists() and module.__package__ == script.module
    assert not any(name == "synth" or name.startswith("synth.") for name in sys.modules)
    drop_modules(script.module)
    assert not any(name.startswith(script.module) for name in sys.modules)


@pytest.mark.parametrize("name", ["synth.py", "synth/__init__.py"])
def test_a_script_s_module_is_as_the_import_system_makes_one(tmp_path: Path, name: str) -> None:
    package(tmp_path, {name: ADD})
    script, module = build(tmp_path / name.partition("/")[0])
    made = importlib.util.module_from_spec(module.__spec__)
    assert set(vars(made)) - set(vars(module)) <= {"__cached__"}
    names = set(vars(made)) & set(vars(module)) - {"__builtins__"}
    assert {name: vars(made)[name] for name in names} == {n: vars(module)[n] for n in names}
    assert module.__spec__.loader is module.__loader__ and module.__file__.endswith(name)
    drop_modules(script.module)


def test_a_thread_that_imports_a_package_waits_until_that_has_run(tmp_path: Path) -> None:
    text = """
import threading, time
def look():
    began.set()
    import synth
    found.append(hasattr(synth, "late"))
began, found, thread = threading.Event(), [], threading.Thread(target=look)
thread.start()
began.wait()
time.sleep(0.1)
late = True
"""
    script, module = build(package(tmp_path / "synth", {"__init__.py": text}))
    module.thread.join()
    assert module.found == [True]
    drop_modules(script.module)


def test_a_script_may_have_the_name_of_a_module_that_it_imports(tmp_path: Path) -> None:
    package(tmp_path, {"json.py": "import json\nfound = json.dumps([1])\n"})
    assert build(tmp_path / "json.py")[1].found == "[1]"


def test_scripts_of_one_name_do_not_meet(tmp_path: Path) -> None:
    scripts = []
    for name in ("one", "two"):
        folder = package(
            tmp_path / name / "synth",
            {"__init__.py": "from synth import util", "util.py": f"NAME = {name!r}"},
        )
        scripts.append(build(folder))
    assert [module.util.NAME for _, module in scripts] == ["one", "two"]
    assert len({script.module for script, _ in scripts}) == 2


@pytest.mark.parametrize("text", ["raise ValueError('no')", "import sys; sys.exit(3)", "def :"])
def test_a_script_that_fails_leaves_nothing(tmp_path: Path, text: str) -> None:
    folder = package(tmp_path / "synth", {"__init__.py": f"from . import util\n{text}\n"})
    package(folder, {"util.py": ""})
    before = set(sys.modules)
    with pytest.raises((ValueError, SystemExit, SyntaxError)):
        build(folder)
    assert set(sys.modules) == before
    assert registry.building is None


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(epy.ScriptError, match=r"cannot be read .No such file"):
        read_script(str(tmp_path / "none.py"))
    with pytest.raises(epy.ScriptError, match=r"without __init__\.py"):
        read_script(str(tmp_path))


def test_export_list(tmp_path: Path) -> None:
    text = """
from ctypes import CFUNCTYPE, c_int
CALLBACK = CFUNCTYPE(c_int)(lambda: 5)
class Named:
    address = 4096
Named.__name__ = "by_name"
EPY_EXPORT_LIST = [("number", 0x1234), ("callback", CALLBACK), Named]
"""
    package(tmp_path, {"synth.py": text, "wrong.py": "EPY_EXPORT_LIST = [3]"})
    script, _ = build(tmp_path / "synth.py")
    assert {name: export.kind for name, export in script.exports.items()} == {
        "number": "address",
        "callback": "address",
        "by_name": "address",
    }
    assert script.exports["callback"].text == "int callback(void)"
    with pytest.raises(epy.SignatureError, match=r"EPY_EXPORT_LIST has 3: write \(name, address\)"):
        build(tmp_path / "wrong.py")


def test_a_traceback_shows_the_lines_that_the_plugin_holds(tmp_path: Path) -> None:
    script = tmp_path / "synth.py"
    script.write_text("# edited since")
    members = {"": (str(script), b"def f():\n    raise ValueError('stored')\n")}
    module = run_modules(Script("synth", str(script)), Sources(members))
    with pytest.raises(ValueError) as raised:
        module.f()
    text = _report.format_exception(raised.value)
    assert f'File "{script}", line 2, in f\n    raise ValueError' in text
    assert str(script) in linecache.cache
    drop_modules(module.__name__)
    assert str(script) not in linecache.cache


def test_load_publishes_to_the_slots_of_the_manifest(load: Any) -> None:
    text = (
        ADD
        + """
log = []
epy.export_address("address", 4096)
@epy.export("int extra(int)")
def extra(x): return x
@epy.on_load
def loaded(): log.append((epy.plugin.state, epy.building))
epy.on_unload(lambda: log.append(1))
epy.on_unload(lambda: log.append(2))
"""
    )
    rows = [
        ("function", "add", "4", "iii", "int add(int a, int b)", "None", ""),
        ("address", "address", "5", "void *address"),
        ("prototype", "int extra(int)", "extra", "CFUNCTYPE(c_int, c_int)"),
    ]
    native: Any = FakePlugin(archive(text, *rows))
    assert load(native)
    script = registry.by_plugin[native]
    module = sys.modules[script.module]
    assert native.published[5] == 4096 and native.names == {"extra": 102}
    assert native.published[4] is module.add.callback
    assert module.add.address == module.add.callback.address
    assert module.log == [("starting", False)]
    plugin = script.plugin
    assert (plugin.state, plugin.folder) == ("ready", "/plugins")

    _plugin.at_exit()
    _plugin.unload(native)
    assert module.log == [("starting", False), 2, 1]
    assert repr(plugin) == "<epy.Plugin '/plugins/synth.so' (unloaded)>"
    assert script.module not in sys.modules and native not in registry.by_plugin
    _plugin.unload(native)


def test_an_unload_hook_that_fails_does_not_stop_the_others(
    load: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    text = ADD + "log = []\nepy.on_unload(lambda: log.append(1))\nepy.on_unload(lambda: 1 / 0)\n"
    native: Any = FakePlugin(archive(text, ("function", "add", "0", "iii", "", "None", "")))
    load(native)
    module = sys.modules[registry.by_plugin[native].module]
    _plugin.unload(native)
    assert module.log == [1]
    error = capsys.readouterr().err
    assert "epy: exception in on_unload '<lambda>' of /plugins/synth.so:\nTraceback" in error


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("def :", "SyntaxError: invalid syntax"),
        (ADD + "@epy.on_load\ndef hook(): raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import epy\nepy.next_function('f')", "no further definition of 'f' in the process"),
    ],
)
def test_a_failed_start_is_reported_once_and_leaves_nothing(
    load: Any, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    before = set(sys.modules)
    native: Any = FakePlugin(archive(text, ("function", "add", "0", "iii", "", "None", "")))
    assert not load(native)
    error = capsys.readouterr().err
    assert error.startswith("epy: the plugin /plugins/synth.so did not start: its script failed\n")
    assert problem in error
    assert error.count("Traceback") <= 1
    assert "_plugin.py" not in error and "importlib" not in error
    assert "\n  script: /src/synth.py\n" in error
    assert f"({sys.executable})\n  sys.path: " in error
    assert {name for name in set(sys.modules) - before if "synth" in name} == set()
    assert native not in registry.by_plugin


def test_a_damaged_archive_is_a_failed_start(load: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert not load(FakePlugin(b"rubbish"))
    assert not load(FakePlugin(archive(ADD, ("function", "add", "x"))))
    assert capsys.readouterr().err.count("did not start") == 2


def test_editable_and_side_by_side_scripts_are_read_from_disk(load: Any, tmp_path: Path) -> None:
    package(tmp_path, {"synth.py": ADD})
    editable: Any = FakePlugin(archive("", ("editable", str(tmp_path / "synth.py"))))
    bare: Any = FakePlugin()
    bare.script = str(tmp_path / "synth.py")
    for native in (editable, bare):
        assert load(native)
        assert native.names == {"add": 100}


def test_reports_name_place_and_thread(capsys: pytest.CaptureFixture[str]) -> None:
    callback = _core.Callback(abs, "ii", (None, None), None, "export 'f'")
    _report.reporter(callback, SystemExit(3))
    error = capsys.readouterr().err
    assert error == "epy: exception in export 'f', thread MainThread:\nSystemExit: 3\n"


def test_an_error_hook_gets_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    native: Any = FakePlugin()
    callback = _core.Callback(abs, "ii", (None, None), None, "export 'f'")
    problem = ValueError("x")

    def report_to(hook: Any) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(epy, "error_hook", hook)
            patch.setattr(_core, "current_plugin", lambda: native)
            _report.reporter(callback, problem)
            patch.setattr(_core, "current_plugin", lambda: None)
        return str(capsys.readouterr().err)

    reports: list[epy.Report] = []
    assert report_to(reports.append) == ""
    (report,) = reports
    assert (report.exception, report.label, report.plugin) == (problem, "export 'f'", native.path)
    assert report.text.startswith("epy: exception in export 'f' of /plugins/synth.so, thread ")

    def broken(report: epy.Report) -> None:
        raise RuntimeError("hook")

    error = report_to(broken)
    assert "ValueError: x\n" in error
    assert error.endswith("epy: epy.error_hook failed: RuntimeError: hook\n")


def test_reports_survive_whatever_they_meet(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Nasty(Exception):
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    class Broken:
        def write(self, text: str) -> None:
            raise OSError

    for name, stream in (("f", None), ("g", Broken())):
        callback = _core.Callback(abs, "ii", (None, None), None, f"export '{name}'")
        monkeypatch.setattr(sys, "stderr", stream)
        _report.reporter(callback, Nasty())
        assert "Nasty: <exception str() failed>\n" in capfd.readouterr().err
