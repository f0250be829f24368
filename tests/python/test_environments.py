"""Packages: each plugin finds those of the virtual environment that it was built for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from epy._running.environments import Environment

pytestmark = pytest.mark.usefixtures("no_python_named")

SCRIPT = """
import epy

@epy.export(error="error")
def text() -> epy.c_str:
    import of_{0}
    return of_{0}.TEXT + shared()

def shared():
    import of_both
    return of_both.TEXT

@epy.export(error="error")
def later() -> epy.c_str:
    import of_one
    return of_one.later()

@epy.export(error="error")
def version() -> epy.c_str:
    from importlib import metadata
    return metadata.version("of-{0}")

@epy.export(error="error")
def python() -> epy.c_str:
    import of_{0}, sys
    return f"{{sys.prefix == sys.base_prefix}} {{sys.executable}}"

@epy.export("void run(void (*function)(void))")
def run(function):
    function()
"""


@pytest.fixture
def two_environments(build_plugin, run, tmp_path) -> dict[str, Path]:
    """Two plugins, each for a virtual environment with a package of its own and one of both."""
    found = {}
    for name in ("one", "two"):
        run(sys.executable, "-m", "venv", "--without-pip", tmp_path / name)
        (packages,) = (tmp_path / name / "lib").glob("python*/site-packages")
        (packages / "elsewhere").mkdir()
        (packages / "elsewhere" / f"of_{name}.py").write_text(
            f"TEXT = '{name} '\ndef later():\n    import of_one_too\n    return of_one_too.TEXT\n"
        )
        (packages / "of_one_too.py").write_text("TEXT = 'later'\n")
        (packages / "more.pth").write_text(f"{packages}/elsewhere\n")
        (packages / "of_both.py").write_text(f"TEXT = 'of {name}'\n")
        (packages / f"of_{name}-1.dist-info").mkdir()
        metadata = f"Metadata-Version: 2.1\nName: of-{name}\nVersion: 1.{len(name)}\n"
        (packages / f"of_{name}-1.dist-info" / "METADATA").write_text(metadata)
        script = SCRIPT.format(name)
        build_plugin(script, "--python", tmp_path / name / "bin" / "python", name=name)
        found[name] = packages
    return found


@pytest.fixture
def call(native, run) -> Callable[..., object]:
    return lambda *commands, **options: run(native("call"), *commands, **options)


def one_line_about_both(stderr: str, tmp_path: Path, plugin: str, other: str) -> bool:
    start = f"epy: {tmp_path}/{plugin}.so: the package of_both that it imports is that of "
    first = f"{tmp_path}/{other}, which was imported first, not of {tmp_path}/{plugin}:"
    return stderr.startswith(start + first) and stderr.count("\n") == 1


def test_each_plugin_finds_the_packages_of_its_environment(two_environments, call, tmp_path):
    # What both have is that of the first, and the other one's plugin says so.
    opened = ["open ./one.so", "open ./two.so"]
    result = call(*opened, "text 0:text", "text 1:text", "text 1:text", "text 0:later")
    assert result.stdout.splitlines() == ["one of one", *2 * ["two of one"], "later"]
    assert one_line_about_both(result.stderr, tmp_path, "two", "one")


def test_what_the_second_plugin_imports_first_is_its_own(two_environments, call, tmp_path):
    result = call("open ./one.so", "open ./two.so", "text 0:version", "text 1:text")
    assert (result.stdout.splitlines(), result.stderr) == (["1.3", "two of two"], "")


def test_each_plugin_finds_the_metadata_of_its_packages(two_environments, call):
    result = call("open ./one.so", "open ./two.so", "text 1:version", "text 0:version")
    assert (result.stdout.splitlines(), result.stderr) == (["1.3", "1.3"], "")


def test_python_is_the_one_that_the_environment_was_made_of(two_environments, call, run):
    base = "import sys; print(sys._base_executable)"
    base_executable = Path(run(sys.executable, "-c", base).stdout.strip()).resolve()
    result = call("open ./one.so", "text python")
    assert (result.stdout, result.stderr) == (f"True {base_executable}\n", "")


HOST = """
import ctypes, sys
path = sys.path.copy()
for name in ("two", "one"):
    plugin = ctypes.CDLL(f"./{name}.so")
    for function in (plugin.text, plugin.version):
        function.restype = ctypes.c_char_p
        print(function().decode())
assert sys.path == path
try:
    import of_one_too
except ModuleNotFoundError as error:
    print(error)
from importlib import metadata
try:
    metadata.version("of-one")
except metadata.PackageNotFoundError as error:
    print(error)
"""


def test_a_host_with_python_has_its_own_packages_and_the_plugins_theirs(
    two_environments, run, tmp_path
):
    result = run(sys.executable, "-c", HOST, env={"PYTHONPATH": None})
    assert result.stdout.splitlines() == [
        *("two of two", "1.3", "one of two", "1.3"),
        "No module named 'of_one_too'",
        "No package metadata was found for of-one",
    ]
    assert one_line_about_both(result.stderr, tmp_path, "one", "two")


CALLED_BACK = """
import ctypes

@ctypes.CFUNCTYPE(None)
def function():
    try:
        import of_one_too
    except ModuleNotFoundError as error:
        print(error)

ctypes.PyDLL("./one.so").run(function)
"""


def test_code_of_the_host_that_a_plugin_calls_has_the_host_s_packages(two_environments, run):
    result = run(sys.executable, "-c", CALLED_BACK, env={"PYTHONPATH": None})
    assert (result.stdout, result.stderr) == ("No module named 'of_one_too'\n", "")


def test_a_module_of_an_environment_finds_others_of_it_later(two_environments, run):
    host = "import ctypes\nplugin = ctypes.CDLL('./one.so')\n"
    host += "plugin.later.restype = ctypes.c_char_p\nprint(plugin.later().decode())\n"
    result = run(sys.executable, "-c", host, env={"PYTHONPATH": None})
    assert (result.stdout, result.stderr) == ("later\n", "")


def test_a_module_of_the_standard_library_is_not_shadowed(two_environments, call):
    (two_environments["one"] / "colorsys.py").write_text("raise ImportError('not this one')\n")
    (two_environments["one"] / "elsewhere" / "of_one.py").write_text("import colorsys\nTEXT = ''\n")
    result = call("open ./one.so", "text text")
    assert (result.stdout, result.stderr) == ("of one\n", "")


def test_an_environment_that_includes_the_systems_packages(build_plugin, run, call, tmp_path):
    options = ["--without-pip", "--system-site-packages"]
    run(sys.executable, "-m", "venv", *options, tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    print_path = "import site, sys; print(*site.getsitepackages([sys.base_prefix]), sep=':')"
    systems = run(python, "-c", print_path).stdout.strip()
    build_plugin(
        "import epy\n@epy.export(error='error')\ndef path() -> epy.c_str:\n"
        "    import sys\n    try:\n        import not_there\n    except ImportError:\n"
        "        return ':'.join(sys.path)\n",
        *("--python", python),
    )
    found = call("open ./plugin.so", "text path").stdout.strip().split(":")
    wanted = [folder for folder in systems.split(":") if Path(folder).is_dir()]
    assert [folder for folder in found if folder in wanted] == wanted


SLOW = """
import threading
begun.set()
wanted.wait(60)
import colorsys
"""
WHILE_IMPORTED = """
import epy, site, sys, threading, time
sys.path.insert(0, {folder!r})

@epy.export(error="error")
def text() -> epy.c_str:
    import builtins
    builtins.begun, builtins.wanted = threading.Event(), threading.Event()
    thread = threading.Thread(target=__import__, args=("slow",))
    thread.start()
    begun.wait()
    add = site.addsitedir
    def add_and_say(*arguments):
        threading.Timer(0.2, wanted.set).start()
        return add(*arguments)
    site.addsitedir = add_and_say
    import of_one
    thread.join()
    return of_one.TEXT
"""


@pytest.mark.once("the packages of an environment are looked for once in a process")
def test_a_pth_file_imports_what_another_thread_is_importing(
    two_environments, build_plugin, call, tmp_path
):
    """Which needs the import system's own lock to go on: whoever looks for packages has it."""
    (two_environments["one"] / "slow.pth").write_text("import slow\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "slow.py").write_text(SLOW)
    script = WHILE_IMPORTED.format(folder=str(tmp_path / "elsewhere"))
    build_plugin(script, "--python", tmp_path / "one" / "bin" / "python")
    result = call("open ./plugin.so", "text text")
    assert (result.stdout, result.stderr) == ("one \n", "")


def test_packages_are_looked_for_once_by_whoever_asks_meanwhile():
    """A .pth file imports, and whose import that is asks again."""

    class Nested(Environment):
        looked = 0

        def _find_packages(self) -> list[str]:
            self.looked += 1
            assert [self.find_packages(), self.find_packages()] == [[], []]
            assert self.is_busy
            return ["here"]

    environment = Nested("", True)
    assert environment.find_packages() == ["here"]
    assert (environment.looked, environment.is_busy) == (1, False)
