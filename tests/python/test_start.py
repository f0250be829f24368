"""Starting: finding, joining and starting Python; what a failed start looks like to the host."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from plugin_scripts import ADD_AND_ONE

from epy._file.elf import Image
from epy._file.tables import Tables

BUILD = Path(os.environ["EPY_BUILD_DIR"])
LIBPYTHON = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"


@pytest.fixture
def refused(native, run) -> Callable[..., str]:
    """`refused(plugin)`: the one line on stderr, after checking that the host gets error values."""

    def refused(plugin: Path, **options: object) -> str:
        calls = [f"open {plugin}", "int add 2 3", "int one", "int add 2 3"]
        result = run(native("call"), *calls, **options)
        assert result.stdout.splitlines() == ["-1", "-2", "-1"]
        lines = result.stderr.splitlines()
        assert len(set(lines)) == 1, result.stderr
        assert lines[0].startswith("epy: ")
        assert str(plugin) in lines[0]
        return lines[0]

    return refused


def replace_text(plugin: Path, old: str, new: str) -> None:
    """Put another text of the same length into the file, as if it had been stamped."""
    data = plugin.read_bytes()
    assert old.encode() in data and len(old) == len(new)
    image = Image(bytearray(data.replace(old.encode(), new.encode())), str(plugin))
    Tables(image).stamp_checksums()
    plugin.write_bytes(image.data)


def missing(path: str) -> str:
    return path[:-4] + "gone"


# A script that fails.


@pytest.mark.usefixtures("no_python_named")
def test_a_script_that_raises_is_reported_once_and_every_export_gives_its_error_value(
    build_plugin, native, run, tmp_path
):
    plugin = build_plugin(
        ADD_AND_ONE + "\nif not epy.building:\n    raise RuntimeError('on purpose')\n"
    )
    calls = ["int add 1 2", "int one", "threads 4 int add 1 2"]
    result = run(native("call"), f"open {plugin}", *calls)
    assert result.stdout.split() == ["-1", "-2", *4 * ["-1"]]
    assert result.stderr.count("did not start") == 1
    assert result.stderr.count("RuntimeError: on purpose") == 1
    assert "raise RuntimeError('on purpose')\n" in result.stderr
    assert f"script: {tmp_path}/plugin.py\n" in result.stderr
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"Python: {version} ({sys.executable})\n" in result.stderr
    assert f"sys.path: {sys.base_prefix}/lib/python" in result.stderr


CIRCLE = "a, b = OSError(1), OSError(2); a.__cause__, b.__cause__ = b, a; raise a"
WITHOUT_TEXT = "E = type('E', (RuntimeError,), {'__str__': lambda self: 1 / 0}); raise E"


@pytest.mark.parametrize(
    "statement",
    ["import sys; sys.exit(3)", "raise KeyboardInterrupt", "1 +", CIRCLE, WITHOUT_TEXT],
)
def test_whatever_the_script_does_at_its_start_the_host_lives(
    build_plugin, native, run, tmp_path, statement
):
    plugin = build_plugin(ADD_AND_ONE, "--editable")
    (tmp_path / "plugin.py").write_text(f"{ADD_AND_ONE}\n{statement}\n")
    result = run(native("call"), f"open {plugin}", "int one", "int one")
    assert result.stdout.splitlines() == ["-2", "-2"]
    assert result.stderr.count("did not start") == 1


def test_an_on_load_hook_that_raises_is_a_failed_start(build_plugin, native, run):
    plugin = build_plugin(
        ADD_AND_ONE + "\n@epy.on_load\ndef hook():\n    raise OSError('no host')\n"
    )
    result = run(native("call"), f"open {plugin}", "int one", "int one")
    assert result.stdout.splitlines() == ["-2", "-2"]
    assert result.stderr.count("OSError: no host") == 1


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_a_failed_start_gives_error_values_of_every_kind(build_plugin, native, run):
    """They come from the plugin's file: no Python object is behind them."""
    plugin = build_plugin("""
import epy
from ctypes import c_char_p, c_double

@epy.export(error=-0.5)
def number(a: c_double, b: c_double) -> c_double: ...

@epy.export(error=b"an error")
def text(a: c_char_p) -> c_char_p: ...

if not epy.building:
    raise RuntimeError
""")
    result = run(native("call"), f"open {plugin}", "double number 1 2", "text text")
    assert result.stdout.splitlines() == ["-0.5", "an error"]


# What the plugin needs is not there.


def test_a_missing_loader_is_named(build_plugin, refused):
    plugin = build_plugin(ADD_AND_ONE)
    loader = str(BUILD / "python" / "epy" / "libepy.so")
    replace_text(plugin, loader, missing(loader))
    line = refused(plugin)
    assert missing(loader) in line
    assert "install epy again" in line


def test_a_missing_core_is_named(tmp_path, run, native, refused):
    shutil.copytree(BUILD / "python", tmp_path / "python")
    script = tmp_path / "plugin.py"
    script.write_text(ADD_AND_ONE)
    plugin = tmp_path / "plugin.so"
    path = {"PYTHONPATH": f"{tmp_path}/python"}
    run(sys.executable, "-m", "epy", "build", script, "-o", plugin, env=path)
    for core in (tmp_path / "python" / "epy").glob("_core.*.so"):
        core.unlink()
    line = refused(plugin)
    assert "epy has no core for the Python in" in line
    assert f"no file {tmp_path}/python/epy/_core" in line


# The package is in `environment` alone.
WHICH = """
import epy

@epy.export("const char *which(void)")
def which():
    try:
        from which_environment import NAME
    except ImportError:
        return b"another"
    return NAME
"""


@pytest.fixture
def environment(run, tmp_path, no_python_named) -> Path:
    """A virtual environment of its own; the path of its Python."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (packages / "which_environment.py").write_text("NAME = b'that one'\n")
    return tmp_path / "venv" / "bin" / "python"


def test_the_stamped_virtual_environment_is_the_one_that_runs(
    build_plugin, environment, native, run
):
    plugin = build_plugin(WHICH, "--python", str(environment))
    result = run(native("call"), f"open {plugin}", "text which")
    assert (result.stdout, result.stderr) == ("that one\n", "")


def test_a_missing_virtual_environment_is_named(build_plugin, environment, refused):
    plugin = build_plugin(ADD_AND_ONE, "--python", str(environment))
    shutil.rmtree(environment.parents[1])
    assert f"no file {environment}" in refused(plugin)


def test_a_virtual_environment_for_another_version_is_named(build_plugin, environment, refused):
    plugin = build_plugin(ADD_AND_ONE, "--python", str(environment))
    settings = environment.parents[1] / "pyvenv.cfg"
    settings.write_text(settings.read_text().replace("version = 3.", "version = 3.9"))
    line = refused(plugin)
    assert str(environment) in line
    assert "make the virtual environment again" in line


def test_epy_python_chooses_another_python(build_plugin, environment, native, run):
    plugin = build_plugin(WHICH)
    calls = [f"open {plugin}", "text which"]
    default = run(native("call"), *calls, env={"EPY_PYTHON": None}).stdout
    chosen = run(native("call"), *calls, env={"EPY_PYTHON": str(environment)}).stdout
    assert (default, chosen) == ("another\n", "that one\n")


def test_epy_python_replaces_a_python_that_is_gone(build_plugin, environment, native, run):
    plugin = build_plugin(WHICH)
    replace_text(plugin, LIBPYTHON, missing(LIBPYTHON))
    calls = [f"open {plugin}", "text which"]
    result = run(native("call"), *calls, env={"EPY_PYTHON": str(environment)})
    assert (result.stdout, result.stderr) == ("that one\n", "")


@pytest.mark.parametrize("value", ["/no/such/python", "/bin/true", "nonsense"])
def test_a_useless_epy_python_is_named(build_plugin, refused, value):
    line = refused(build_plugin(ADD_AND_ONE), env={"EPY_PYTHON": value})
    assert value in line
    assert "unset EPY_PYTHON" in line


# The plugin's file.


def test_a_plugin_moved_by_patchelf_is_refused(build_plugin, refused, run):
    plugin = build_plugin(ADD_AND_ONE)
    run("patchelf", "--set-rpath", "/a/path/that/is/long/enough/to/move/the/tables", plugin)
    assert "patchelf" in refused(plugin)


def test_a_plugin_of_another_contract_version_is_refused(build_plugin, refused):
    plugin = build_plugin(ADD_AND_ONE)
    data = bytearray(plugin.read_bytes())
    with plugin.open("rb") as file:
        offset = ELFFile(file).get_section_by_name(".epy.info")["sh_offset"]
    assert data[offset + 16 : offset + 20] == bytes([3, 0, 0, 0])
    data[offset + 16] = 99
    plugin.write_bytes(data)
    assert "version" in refused(plugin)


def test_a_damaged_archive_is_a_failed_start(build_plugin, native, run):
    plugin = build_plugin(ADD_AND_ONE)
    replace_text(plugin, "epy archive 1\n", "epy archive 9\n")
    result = run(native("call"), f"open {plugin}", "int add 2 3", "int one")
    assert result.stdout.splitlines() == ["-1", "-2"]
    assert "build the plugin again" in result.stderr


def test_a_truncated_plugin_never_crashes_epy(build_plugin, epy, tmp_path):
    data = build_plugin(ADD_AND_ONE).read_bytes()
    cut = tmp_path / "cut.so"
    for size in (0, 3, 64, 1000, len(data) // 2, len(data) - 2000, len(data) - 1):
        cut.write_bytes(data[:size])
        result = epy("call", cut, "add", "1", "2", status=2)
        assert len(result.stderr.splitlines()) == 1
        assert str(cut) in result.stderr


# A Python that is there already.


def test_two_plugins_may_start_at_once(build_plugin, native, run):
    slow = "import time\ntime.sleep(0.1)\n" + ADD_AND_ONE
    one, two = build_plugin(slow, name="first"), build_plugin(slow, name="second")
    calls = "together int 0:add 1 2 | int 1:add 3 4 | int 0:add 1 2 | int 1:add 3 4"
    result = run(native("call"), f"open {one}", f"open {two}", calls)
    assert (sorted(result.stdout.split()), result.stderr) == (["3", "3", "7", "7"], "")


CALLS_THE_OTHER = """
import ctypes, epy, time
from ctypes import c_int

if not epy.building:
    time.sleep(0.2)
    other = ctypes.CDLL(epy.plugin.folder + "/{other}.so").value_of_{other}()
else:
    other = 0

@epy.export(error=-9)
def value_of_{name}() -> c_int:
    return other
"""


def test_plugins_whose_starts_call_each_other_get_an_error_value(build_plugin, native, run):
    """On one thread: the second call of `one` comes from inside its start."""
    for name, other in (("one", "two"), ("two", "one")):
        build_plugin(CALLS_THE_OTHER.format(name=name, other=other), name=name)
    result = run(
        *(native("call"), "open ./one.so", "open ./two.so"),
        *("int 0:value_of_one", "int 1:value_of_two"),
    )
    assert result.stdout.split() == ["-9", "-9"]
    assert len(result.stderr.splitlines()) == 1
    assert "'value_of_one' was called by its own plugin's start" in result.stderr


def test_starts_that_wait_for_each_other_on_two_threads_do_not_hang(build_plugin, native, run):
    for name, other in (("one", "two"), ("two", "one")):
        build_plugin(CALLS_THE_OTHER.format(name=name, other=other), name=name)
    together = "together int 0:value_of_one | int 1:value_of_two"
    result = run(native("call"), "open ./one.so", "open ./two.so", together)
    assert result.stdout.split() == ["-9", "-9"]
    assert len(result.stderr.splitlines()) == 1


def test_a_call_from_inside_the_start_goes_to_what_is_defined_so_far(build_plugin, native, run):
    build_plugin("""
import ctypes, epy
from ctypes import c_int

@epy.export
def early() -> c_int:
    return 11

library = None if epy.building else ctypes.CDLL(epy.plugin.path)
before = 0 if epy.building else library.early() * 1000 + library.late()

@epy.export(error=-5)
def late() -> c_int:
    return before
""")
    result = run(native("call"), "open ./plugin.so", "int late")
    assert result.stdout == "10995\n"
    assert len(result.stderr.splitlines()) == 1
    assert "'late' was called by its own plugin's start" in result.stderr


def test_a_start_that_needs_another_thread_finishes(build_plugin, native, run):
    """The script waits for a thread that makes the first call of another plugin."""
    build_plugin("import epy\n@epy.export('int g(void)')\ndef g(): return 5\n", name="other")
    build_plugin("""
import ctypes, epy, threading
from ctypes import c_int

results = []
if not epy.building:
    call = lambda: results.append(ctypes.CDLL(epy.plugin.folder + "/other.so").g())
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()

@epy.export
def f() -> c_int:
    return results[0]
""")
    result = run(native("call"), "open ./plugin.so", "int f")
    assert (result.stdout, result.stderr) == ("5\n", "")


def test_an_eager_start_that_takes_long_says_what_to_do(build_plugin, native, run, tmp_path):
    waiting = """
import epy, os, time

if not epy.building:
    while not os.path.getsize("said"):
        time.sleep(0.01)
"""
    plugin = build_plugin(waiting + ADD_AND_ONE, "--eager")
    host = (native("call"), f"open {plugin}", "int one")
    assert run("sh", "-c", 'exec "$@" 2>said', "sh", *host).stdout == "1\n"
    (line,) = (tmp_path / "said").read_text().splitlines()
    assert "build it without --eager" in line


def test_starting_python_leaves_the_hosts_locale_and_signals(build_plugin, compile_c, run):
    plugin = build_plugin(ADD_AND_ONE)
    host = compile_c(r"""
        #include <dlfcn.h>
        #include <locale.h>
        #include <signal.h>
        #include <stdio.h>
        #include <string.h>
        #include <wchar.h>

        int main(int argc, char **argv) {
            (void)argc;
            struct sigaction actions[65] = {0}; // 32 and 33, which are libc's, stay zero
            for (int i = 1; i < 65; ++i) {
                sigaction(i, NULL, &actions[i]);
            }
            int (*one)(void) = (int (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "one");
            one();
            for (int i = 1; i < 65; ++i) {
                struct sigaction now = {0};
                sigaction(i, NULL, &now);
                if (now.sa_handler != actions[i].sa_handler) {
                    printf("signal %d\n", i);
                }
            }
            puts(setlocale(LC_ALL, NULL));
            return 0;
        }
    """)
    assert run(host, plugin, env={"LC_ALL": "C.UTF-8"}).stdout == "C\n"


def test_standard_error_may_be_closed(build_plugin, native, run):
    plugin = build_plugin(
        ADD_AND_ONE + "\nif not epy.building:\n    raise RuntimeError('on purpose')\n"
    )
    command = f'exec "{native("call")}" "open {plugin}" "int one" 2>&-'
    assert run("sh", "-c", command).stdout == "-2\n"
