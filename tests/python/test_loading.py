"""Every way in which a host loads a plugin and finds its names."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from needs import with_numpy
from plugin_scripts import ADD

LINKED_HOST = """
#include <stdio.h>
int add(int, int);
int main(void) {
    printf("%d\\n", add(2, 3));
    return 0;
}
"""


@pytest.fixture
def call(native, run) -> Callable[..., list[str]]:
    """`call(*commands)`: the lines that the host `call` prints."""

    def call(*commands: str, **options: object) -> list[str]:
        return run(native("call"), *commands, **options).stdout.splitlines()

    return call


@pytest.mark.parametrize("binding", ["now", "lazy"])
@pytest.mark.parametrize("scope", ["local", "global"])
def test_dlopen_and_dlsym(build_plugin, call, binding, scope):
    build_plugin(ADD)
    assert call(f"open ./plugin.so {binding} {scope}", "int add 2 3", "int add 4 5") == ["5", "9"]


def test_dlopen_alone_starts_no_python(build_plugin, call):
    build_plugin(ADD)
    assert call("open ./plugin.so", "find add", "python", "int add 2 3", "python") == [
        *("add: yes", "python: no", "5", "python: yes")
    ]


def test_a_name_that_the_script_does_not_define_is_absent(build_plugin, call):
    build_plugin(ADD)
    assert call("open ./plugin.so", "find subtract", "int add 2 3", "find subtract") == [
        *("subtract: no", "5", "subtract: no")
    ]


@pytest.mark.parametrize("pie", ["-pie", "-no-pie"])
@pytest.mark.parametrize("now", [None, "1"], ids=["bound-lazily", "bind-now"])
def test_linked_with_l(build_plugin, compile_c, run, tmp_path, pie, now):
    build_plugin(ADD, name="libadd")
    code = "-fPIE" if pie == "-pie" else "-fno-pie"
    host = compile_c(
        LINKED_HOST, code, pie, "-Wl,-z,lazy", f"-L{tmp_path}", "-ladd", f"-Wl,-rpath,{tmp_path}"
    )
    needed = run("readelf", "--dynamic", host).stdout
    assert "[libadd.so]" in needed
    assert run(host, env={"LD_BIND_NOW": now}).stdout == "5\n"


def test_a_host_of_a_versioned_library_runs_with_the_plugin(build_plugin, compile_c, run, tmp_path):
    """A host linked against a versioned library of the same name runs with the plugin."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "map").write_text("ADD_1.0 { global: add; };")
    compile_c(
        "int add(int a, int b) { return a + b + 1000; }",
        *("-shared", "-fPIC", "-Wl,-soname,libadd.so", f"-Wl,--version-script={real}/map"),
        name="real/libadd.so",
    )
    host = compile_c(LINKED_HOST, f"-L{real}", "-ladd")
    assert run(host, env={"LD_LIBRARY_PATH": str(real)}).stdout == "1005\n"
    build_plugin(ADD, name="libadd")
    result = run(host, env={"LD_LIBRARY_PATH": str(tmp_path)})
    assert result.stdout == "5\n"


PRELOADED = """
import epy
from ctypes import c_uint, c_char_p

@epy.export("char *getenv(const char *)")
def getenv(name):
    if name == b"FROM_PYTHON":
        return b"python"
    return epy.next_function("getenv", "char *getenv(const char *)")(name)

@epy.export
def getuid() -> c_uint:
    return 4242

@epy.export
def geteuid() -> c_uint:
    return 4242
"""


def test_preloaded_over_getuid_in_the_unmodified_id_program(build_plugin, run, preload):
    plugin = build_plugin(PRELOADED)
    result = run("id", "-u", env=preload(plugin))
    assert (result.stdout, result.stderr) == ("4242\n", "")


def test_preloaded_over_getenv_which_python_itself_calls(build_plugin, compile_c, run, preload):
    plugin = build_plugin(PRELOADED)
    host = compile_c("""
        #include <stdio.h>
        #include <stdlib.h>
        int main(void) {
            puts(getenv("FROM_PYTHON"));
            puts(getenv("FROM_SHELL"));
            puts(getenv("ABSENT") ? "?" : "absent");
        }
    """)
    environment = {**preload(plugin), "FROM_SHELL": "shell"}
    result = run(host, env=environment)
    assert (result.stdout, result.stderr) == ("python\nshell\nabsent\n", "")


def test_side_by_side_runs_the_script_beside_the_bare_stub(epy, call, tmp_path):
    (tmp_path / "synth.py").write_text(ADD)
    epy("stub", "-o", tmp_path / "stub.so")
    shutil.copy(tmp_path / "stub.so", tmp_path / "synth.so")
    assert call("open ./synth.so", "find add", "find sub", "int add 2 3") == [
        *("add: yes", "sub: no", "5")
    ]


def test_side_by_side_runs_the_package_folder_beside_the_bare_stub(epy, call, tmp_path):
    package = tmp_path / "synth"
    package.mkdir()
    (package / "__init__.py").write_text("from . import _add\n")
    (package / "_add.py").write_text(ADD)
    epy("stub", "-o", tmp_path / "synth.so")
    assert call("open ./synth.so", "int add 2 3") == ["5"]


def test_side_by_side_without_a_script_says_what_is_missing(epy, run, native, tmp_path):
    epy("stub", "-o", tmp_path / "synth.so")
    result = run(native("call"), "open ./synth.so", "find add")
    assert result.stdout == "add: no\n"
    assert f"{tmp_path}/synth.py" in result.stderr


def test_eager_starts_python_inside_dlopen(build_plugin, call):
    build_plugin(ADD, "--eager")
    assert call("open ./plugin.so", "python", "int add 2 3") == ["python: yes", "5"]


def test_three_plugins_with_the_same_names_in_one_process(epy, call, tmp_path):
    for letter in "abc":
        package = tmp_path / letter / "synth"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(
            "import epy\n"
            "from synth.util import LETTER\n"
            "@epy.export('const char *letter(void)')\n"
            "def letter():\n"
            "    from synth import util\n"
            "    return LETTER + util.LETTER\n"
        )
        (package / "util.py").write_text(f"LETTER = {letter.encode()!r}\n")
        epy("build", package, "-o", tmp_path / letter / "synth.so")
    opened = [f"open ./{letter}/synth.so" for letter in "abc"]
    called = [f"text {index}:letter" for index in (0, 1, 2, 0)]
    assert call(*opened, *called) == ["aa", "bb", "cc", "aa"]


def test_the_first_call_may_come_from_a_worker_thread(build_plugin, call):
    build_plugin(ADD)
    assert call("open ./plugin.so", "thread int add 2 3", "int add 4 5", "thread int add 1 1") == [
        *("5", "9", "2")
    ]


def test_the_first_call_may_come_from_eight_threads_at_once(build_plugin, run, native):
    build_plugin("import time\nprint('started', flush=True)\ntime.sleep(0.2)\n" + ADD)
    result = run(native("call"), "open ./plugin.so", "threads 8 int add 2 3")
    assert (result.stdout, result.stderr) == ("started\n" + 8 * "5\n", "")


def test_a_thousand_exports(build_plugin, call):
    build_plugin(
        """
        import epy
        from ctypes import CFUNCTYPE, c_int

        for i in range(1000):
            epy.export(CFUNCTYPE(c_int, c_int), name=f"function_{i}")(lambda x, i=i: x * i)
    """.replace("\n        ", "\n")
    )
    expected = [str(3 * i) for i in range(1000)]
    assert call("open ./plugin.so", *(f"int function_{i} 3" for i in range(1000))) == expected


@pytest.mark.usefixtures("no_python_named")
@pytest.mark.parametrize("package", ["sqlite3", pytest.param("numpy", marks=with_numpy)])
def test_extension_modules_load_in_a_host_that_opened_the_plugin_locally(
    build_plugin, call, package
):
    build_plugin(f"""
import epy
from ctypes import c_int

@epy.export(error=-1)
def total() -> c_int:
    import _ctypes, ssl, sqlite3
    import {package}
    assert ssl.create_default_context() and _ctypes and {package}
    return sqlite3.connect(":memory:").execute("select 40").fetchone()[0]
""")
    assert call("open ./plugin.so now local", "int total") == ["40"]


@pytest.mark.parametrize("name", ["größe_Δ_名前", "n" * 500], ids=["utf-8", "500-characters"])
def test_unusual_names(build_plugin, call, run, name):
    plugin = build_plugin(f"""
import epy
from ctypes import c_int

@epy.export(name={name!r})
def size() -> c_int:
    return 5
""")
    assert call("open ./plugin.so", f"find {name}", f"int {name}") == [f"{name}: yes", "5"]
    assert name in subprocess.run(["nm", "-D", plugin], capture_output=True).stdout.decode()


LATE = """
import epy
from ctypes import c_int

@epy.export
def early() -> c_int:
    @epy.export
    def later() -> c_int:
        return 3
    epy.export_data("later_text", b"hello")
    return 1

@epy.on_load
def hook():
    @epy.export
    def hooked() -> c_int:
        return 2
"""


def test_names_registered_after_the_build_are_found(build_plugin, call):
    build_plugin(LATE)
    assert call(
        *("open ./plugin.so", "find hooked", "int early", "find hooked", "int hooked"),
        *("find later", "int later", "find later_text"),
    ) == ["hooked: no", "1", "hooked: yes", "2", "later: yes", "3", "later_text: yes"]


def test_nm_readelf_and_gdb_show_the_names(build_plugin, run, native):
    plugin = build_plugin(ADD)
    assert re.search(r"^[0-9a-f]+ T add$", run("nm", "-D", plugin).stdout, re.MULTILINE)
    symbols = run("readelf", "--dyn-syms", "--wide", plugin)
    assert re.search(r"FUNC +GLOBAL DEFAULT +\d+ add\b", symbols.stdout)
    assert symbols.stderr == ""
    gdb = run(
        *("gdb", "-nx", "--batch", "-ex", "info address add", "-ex", "x/i add", plugin),
        env={"LD_PRELOAD": None},  # gdb hangs in a sanitizer
    )
    assert 'Symbol "add" is at' in gdb.stdout
    assert "<add" in gdb.stdout


def test_a_breakpoint_on_an_export_stops_in_gdb(build_plugin, run, native):
    build_plugin(ADD)
    commands = [
        "set breakpoint pending on",
        "set debuginfod enabled off",
        "break add",
        "run",
        "bt 1",
    ]
    result = run(
        *("gdb", "-nx", "--batch", *(part for text in commands for part in ("-ex", text))),
        *("--args", native("call"), "open ./plugin.so", "int add 2 3"),
        env={"LD_PRELOAD": None},
    )
    assert re.search(r"Breakpoint 1, .*\badd\b", result.stdout), result.stdout + result.stderr


def test_readelf_finds_nothing_wrong(build_plugin, run):
    plugin = build_plugin(ADD)
    result = run("readelf", "--all", "--wide", plugin)
    assert result.stderr == ""
    assert "Warning" not in result.stdout


def test_strip_keeps_a_plugin_whole(build_plugin, call, run):
    plugin = build_plugin(ADD)
    run("strip", plugin)
    assert call("open ./plugin.so", "int add 2 3") == ["5"]


def test_the_file_may_be_deleted_after_dlopen(build_plugin, call):
    plugin = build_plugin(ADD)
    assert call("open ./plugin.so", "unlink ./plugin.so", "int add 2 3") == ["5"]
    assert not plugin.exists()


def test_the_file_may_be_replaced_after_dlopen(build_plugin, epy, native, tmp_path):
    plugin = build_plugin(ADD)
    other = tmp_path / "other.py"
    other.write_text(ADD.replace("a + b", "a * b"))
    host = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, ctypes; p = ctypes.CDLL(sys.argv[1])\n"
            "print('open', flush=True); input(); print(p.add(2, 5))",
            plugin,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert host.stdout.readline() == "open\n"
    epy("build", other, "-o", plugin)
    assert host.communicate("\n")[0] == "7\n"
    assert ctypes.CDLL(os.fspath(plugin)).add(2, 5) == 10


def test_each_plugin_has_a_soname_and_a_build_id_of_its_own(build_plugin, run):
    def text(plugin: Path) -> tuple[str, str]:
        notes = run("readelf", "--notes", "--wide", plugin).stdout
        dynamic = run("readelf", "--dynamic", "--wide", plugin).stdout
        soname = re.search(r"SONAME.*\[(.*)\]", dynamic)
        identity = re.search(r"Build ID: ([0-9a-f]{40})", notes)
        return soname[1], identity[1]

    one = text(build_plugin(ADD, name="one"))
    two = text(build_plugin(ADD, name="two"))
    assert (one[0], two[0]) == ("one.so", "two.so")
    assert one[1] != two[1]


def test_a_plugin_needs_the_c_library_alone(build_plugin, run):
    dynamic = run("readelf", "--dynamic", "--wide", build_plugin(ADD)).stdout
    assert re.findall(r"NEEDED.*\[(.*)\]", dynamic) == ["libc.so.6"]


def test_no_segment_is_writable_and_executable(build_plugin, run):
    segments = run("readelf", "--segments", "--wide", build_plugin(ADD)).stdout
    assert "LOAD" in segments
    assert "RWE" not in segments
