"""epy.h: from a plugin's handle to its state, its start, its exports and its end."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

HEADER = Path(__file__).parents[2] / "loader" / "include" / "epy.h"

SCRIPT = """
import epy
from ctypes import c_int

print("starts")

@epy.on_unload
def leave():
    import colorsys                       # which would wait for dlclose's lock
    print("leaves", bool(colorsys))

@epy.export("int add(int a, int b)")
def add(a, b):
    return a + b

@epy.export(error=-7)
def fail(x: c_int) -> c_int:
    raise ValueError(f"not {x}")

epy.export_data("answer", c_int(42))
"""

HOST = """
#include <epy.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *last = "answer";
static int show(const char *name, const char *prototype, void *address, void *plugin) {
    printf("%%s: %%s, %%d\\n", name, prototype, address == dlsym(plugin, name));
    return strcmp(name, last) == 0 ? 5 : 0;
}

/* As POSIX has it: C has no conversion of a pointer to an object into one to a function. */
#define LOOK_UP(function, name) (*(void **)(&function) = dlsym(handle, name))

int main(int argc, char **argv) {
    void *handle = dlopen(argv[argc - 1], RTLD_NOW);
    epy_plugin *plugin = epy_plugin_of(handle);
    (void)show, (void)last;
    (void)plugin;
    setvbuf(stdout, NULL, _IOLBF, 0);
    %s
    return 0;
}
"""

COMPILERS = ["gcc", "clang", "g++", "clang++"]


@pytest.fixture
def played(build_plugin, epy_host, run):
    def played(body, compiler="gcc", script=SCRIPT, **options):
        host = epy_host(HOST % body, compiler=compiler)
        return run(host, build_plugin(script), **options)

    return played


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_host_starts_a_plugin_when_it_likes(played, compiler):
    result = played(
        """
        assert(plugin != NULL && epy_plugin_of(dlsym(handle, "add")) == plugin);
        assert(epy_plugin_state(plugin) == EPY_NEW);
        puts("before");
        assert(epy_start(plugin) == 0 && epy_start(plugin) == 0);
        puts("after");
        assert(epy_plugin_state(plugin) == EPY_READY);
        """,
        compiler,
    )
    assert result.stdout == "before\nstarts\nafter\nleaves True\n"
    assert result.stderr == ""


def test_a_script_may_export_nothing(epy, epy_host, run, tmp_path):
    """`epy build` says so: mostly it is forgotten. A host with epy.h calls functions by name."""
    (tmp_path / "plugin.py").write_text("def double(number):\n    return 2 * number\n")
    said = epy("build", "plugin.py").stderr
    assert said.startswith(f"epy: {tmp_path}/plugin.py: exports nothing: mark functions with ")
    host = epy_host(
        HOST
        % """
        int number;
        assert(epy_start(plugin) == 0 && epy_plugin_state(plugin) == EPY_READY);
        assert(epy_call_into(plugin, "double", "i", &number, "i", 21) == 0);
        printf("%d\\n", number);
        assert(epy_unload(plugin, 60000) == 0);
    """
    )
    assert run(host, "./plugin.so").stdout == "42\n"


def test_each_export_has_its_prototype_and_its_address(played):
    result = played(
        """
        assert(epy_each_export(plugin, show, handle) == 5);
        """
    )
    assert result.stdout.splitlines()[:-1] == [
        "starts",
        "add: int add(int a, int b), 1",
        "fail: int fail(int x), 1",
        "answer: int answer, 1",
    ]


def test_a_visit_ends_where_the_visitor_says_so(played):
    result = played(
        """
        last = "fail";
        assert(epy_each_export(plugin, show, handle) == 5);
        last = "";
        assert(epy_each_export(plugin, show, handle) == 0);
        """
    )
    names = [line.partition(":")[0] for line in result.stdout.splitlines()[1:-1]]
    assert names == ["add", "fail", "add", "fail", "answer"]


def test_what_is_no_plugin_is_told_so(played):
    result = played(
        """
        int local;
        assert(epy_plugin_of(NULL) == NULL && epy_plugin_of(&local) == NULL);
        assert(epy_plugin_of(dlopen(NULL, RTLD_NOW)) == NULL);
        assert(epy_plugin_of((void *)1) == NULL);
        puts(epy_last_error_info()->message);
        assert(epy_plugin_state((epy_plugin *)&local) == EPY_UNLOADED);
        assert(epy_start((epy_plugin *)&local) == -1 && epy_start(NULL) == -1);
        puts(epy_last_error());
        """
    )
    assert result.stdout == (
        "0x1 is neither a plugin's dlopen handle nor the address of an export\n"
        "epy.Error: no plugin, or one that was closed: take it from epy_plugin_of after dlopen\n"
    )


def test_an_unload_before_dlclose_runs_hooks_that_may_import(played):
    result = played(
        """
        int (*add)(int, int);
        LOOK_UP(add, "add");
        assert(add(2, 3) == 5);
        assert(epy_unload(plugin, 60000) == 0);
        puts("unloaded");
        assert(epy_unload(plugin, 0) == 0 && epy_plugin_state(plugin) == EPY_UNLOADED);
        assert(add(2, 3) == 0);
        assert(epy_call(plugin, "add", "ii", 2, 3) == NULL);
        puts(epy_last_error());
        assert(dlclose(handle) == 0 && epy_plugin_state(plugin) == EPY_UNLOADED);
        handle = dlopen(argv[argc - 1], RTLD_NOW);
        LOOK_UP(add, "add");
        assert(add(20, 3) == 23);
        """
    )
    assert result.stdout == (
        "starts\nleaves True\nunloaded\n"
        "epy.Error: the plugin was unloaded: dlopen it again\n"
        "starts\nleaves True\n"
    )


@pytest.mark.parametrize("unload", ["", "assert(epy_unload(plugin, 60000) == 0);"])
def test_a_plugin_that_only_epy_start_has_started_ends_with_dlclose(played, unload):
    """No export was called, so its own code has never asked for the loader."""
    result = played(
        """
        assert(epy_start(plugin) == 0);
        UNLOAD
        assert(dlclose(handle) == 0);
        puts("closed");
        handle = dlopen(argv[argc - 1], RTLD_NOW);
        plugin = epy_plugin_of(handle);
        assert(epy_plugin_state(plugin) == EPY_NEW);
        assert(epy_start(plugin) == 0 && epy_plugin_state(plugin) == EPY_READY);
        """.replace("UNLOAD", unload),
        script=SCRIPT.replace("import colorsys ", "colorsys = True "),
    )
    assert result.stdout == "starts\nleaves True\nclosed\nstarts\nleaves True\n"


SLOW = """
import time
import epy

@epy.on_unload
def leave():
    while not stop:
        time.sleep(0.01)
    print("left")

stop = []

@epy.export("int f(void)")
def f():
    return 1
"""


def test_an_unload_that_takes_longer_goes_on(played):
    result = played(
        """
        epy_object *list;
        assert(epy_start(plugin) == 0);
        list = epy_call(plugin, "stop.__iadd__", "([i])", 0);
        epy_object_release(epy_call_method(list, "clear", ""));
        assert(epy_unload(plugin, 1) == -1);
        puts(epy_last_error_info()->message);
        epy_object_release(epy_call_method(list, "append", "i", 1));
        assert(epy_unload(plugin, 600000) == 0);
        puts("unloaded");
        epy_object_release(list);
        """,
        script=SLOW,
    )
    assert result.stdout == (
        "on_unload is not over yet and goes on in the background; call epy_unload again to wait "
        "longer\nleft\nunloaded\n"
    )


def test_a_start_that_fails_is_told(played):
    result = played(
        """
        assert(epy_start(plugin) == -1 && epy_plugin_state(plugin) == EPY_FAILED);
        puts(epy_last_error());
        assert(strcmp(epy_last_error_info()->function, "the start") == 0);
        assert(epy_error_matches("LookupError") && !epy_error_matches("ValueError"));
        """,
        script=SCRIPT + "import epy\nif not epy.building: {}['no']\n",
    )
    assert result.stdout.splitlines() == ["starts", "KeyError: 'no'"]
    assert "KeyError: 'no'" in result.stderr


@pytest.mark.once("a Python is chosen before any runs")
def test_the_host_chooses_the_python(build_plugin, epy_host, run, tmp_path):
    script = SCRIPT + "\nimport sys\n@epy.export\ndef which() -> epy.c_str: return chosen()\n"
    script += "def chosen():\n    from epy import _start\n    return _start.executable\n"
    environment = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    host = epy_host(
        HOST
        % """
        const char *(*which)(void);
        LOOK_UP(which, "which");
        assert(epy_set_python(NULL) == -1 && epy_set_python(argv[1]) == 0);
        puts(which());
        assert(epy_set_python(argv[1]) == -1);
        puts(epy_last_error());
        """
    )
    python = environment / "bin" / "python"
    result = run(host, python, build_plugin(script), env={"EPY_PYTHON": "/nowhere"})
    assert result.stdout == (
        f"starts\n{python}\n"
        "epy.Error: a Python runs already: choose before any plugin starts\nleaves True\n"
    )


def test_a_wrong_python_of_the_host_is_refused(played):
    result = played('epy_set_python("/nowhere"); assert(epy_start(plugin) == -1);')
    assert "epy_set_python names /nowhere, but no shared libpython" in result.stderr


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_needs_nothing_before_it(run, tmp_path, compiler):
    source = tmp_path / ("only.cpp" if compiler.endswith("++") else "only.c")
    source.write_text("#include <epy.h>\n")
    standard = "-std=c++11" if compiler.endswith("++") else "-std=c99"
    warnings = ("-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")
    run(compiler, standard, *warnings, "-fsyntax-only", f"-I{HEADER.parent}", source)


@pytest.mark.skipif(shutil.which("pkg-config") is None, reason="not run: needs pkg-config")
def test_pkg_config_knows_what_epy_says(epy, run):
    folder = epy("--pkgconfigdir").stdout.strip()
    found = run("pkg-config", "--cflags", "--libs", "epy", env={"PKG_CONFIG_PATH": folder})
    wanted = epy("--cflags", "--libs").stdout
    assert shlex.split(found.stdout.replace("/include/..", "")) == shlex.split(wanted)
