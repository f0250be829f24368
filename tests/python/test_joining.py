"""Joining a Python that the host has loaded, or that runs already."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from plugin_scripts import ADD

LIBPYTHON = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"


def test_a_plugin_joins_the_python_that_loads_it(build_plugin, run):
    plugin = build_plugin("""
import builtins, epy, threading
from ctypes import c_int

@epy.export
def answer() -> c_int:
    builtins.seen = threading.current_thread() is threading.main_thread()
    return builtins.shared + 1
""")
    host = f"""
import builtins, ctypes, sys, threading
before = threading.active_count()
builtins.shared = 41
library = ctypes.CDLL({str(plugin)!r})
print(library.answer(), builtins.seen)
thread = threading.Thread(target=lambda: print(library.answer(), builtins.seen))
thread.start()
thread.join()
print(ctypes.PyDLL({str(plugin)!r}).answer(), threading.active_count() - before)
"""
    result = run(sys.executable, "-c", host)
    assert (result.stdout.splitlines(), result.stderr) == (["42 True", "42 False", "42 0"], "")


def test_threads_of_a_python_host_may_make_the_first_call_at_once(build_plugin, run):
    plugin = build_plugin("import time\ntime.sleep(0.1)\n" + ADD)
    host = f"""
import ctypes
import gc
from concurrent.futures import ThreadPoolExecutor
library = ctypes.CDLL({str(plugin)!r})
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda i: library.add(i, 1), range(8))))
"""
    result = run(sys.executable, "-c", host)
    assert (result.stdout, result.stderr) == ("36\n", "")


EMBEDDING = r"""
#include <dlfcn.h>
#include <stdio.h>

void Py_InitializeEx(int), *PyEval_SaveThread(void), PyEval_RestoreThread(void *);
int PyRun_SimpleString(const char *), Py_FinalizeEx(void), Py_IsInitialized(void);

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *plugin = dlopen(argv[1], RTLD_NOW);
    int (*answer)(void) = (int (*)(void))dlsym(plugin, "answer");
    if (argc > 2) { // Python is linked, but the plugin has to start it
        printf("%d\n", Py_IsInitialized());
        printf("%d\n", answer());
        printf("%d\n", Py_IsInitialized());
        return 0;
    }
    Py_InitializeEx(0);
    PyRun_SimpleString("import builtins; builtins.shared = 41");
    printf("with the lock: %d\n", answer());
    void *state = PyEval_SaveThread();
    printf("without: %d\n", answer());
    PyEval_RestoreThread(state);
    PyRun_SimpleString("print('called', builtins.calls)");
    dlclose(plugin);
    return Py_FinalizeEx();
}
"""
ANSWER = """
import builtins, epy
from ctypes import c_int

@epy.export
def answer() -> c_int:
    import _ctypes, ssl
    builtins.calls = getattr(builtins, "calls", 0) + 1
    return getattr(builtins, "shared", 0) + 1
"""


def test_a_host_that_embeds_python(build_plugin, linked_with_python, compile_c, run):
    plugin = build_plugin(ANSWER)
    host = compile_c(EMBEDDING, *linked_with_python)
    result = run(host, plugin)
    expected = ["with the lock: 42", "without: 42", "called 2"]
    assert (result.stdout.splitlines(), result.stderr) == (expected, "")


def test_a_host_linked_with_a_python_that_it_has_not_started(
    build_plugin, linked_with_python, compile_c, run
):
    plugin = build_plugin(ANSWER)
    host = compile_c(EMBEDDING, *linked_with_python)
    result = run(host, plugin, "later")
    # To the host it is still its own to initialize.
    assert (result.stdout, result.stderr) == ("0\n1\n0\n", "")


def test_a_host_linked_with_another_installation_of_that_python(
    build_plugin, compile_c, run, tmp_path
):
    """Its standard library is its own: that of the plugin's lacks what is built into another's."""
    standard = Path(os.__file__).parent
    folder = tmp_path / "other/lib"
    folder.mkdir(parents=True)
    library = shutil.copy(LIBPYTHON, folder)
    (folder / standard.name).symlink_to(standard)
    plugin = build_plugin(f"{ANSWER}\nimport sys\nprint(sys.base_prefix, sys.base_exec_prefix)\n")
    host = compile_c(EMBEDDING, library, f"-Wl,-rpath,{folder}")
    result = run(host, plugin, "later")
    assert (result.stdout, result.stderr) == (f"0\n{tmp_path}/other {tmp_path}/other\n1\n0\n", "")


PLACE = f"{ANSWER}\nimport sys\nprint(sys.base_prefix, sys.base_exec_prefix, sys.executable)\n"
OWN_PLACE = (
    f"0\n{sys.base_prefix} {sys.base_exec_prefix} {os.path.realpath(sys.executable)}\n1\n0\n"
)


@pytest.mark.usefixtures("no_python_named")
def test_a_host_linked_with_a_libpython_that_has_no_installation(
    build_plugin, compile_c, run, tmp_path
):
    """No standard library is near it: that of the plugin's Python serves."""
    folder = tmp_path / "alone/lib"
    folder.mkdir(parents=True)
    library = shutil.copy(LIBPYTHON, folder)
    plugin = build_plugin(PLACE)
    host = compile_c(EMBEDDING, library, f"-Wl,-rpath,{folder}")
    result = run(host, plugin, "later")
    assert (result.stdout, result.stderr) == (OWN_PLACE, "")


@pytest.mark.usefixtures("no_python_named")
def test_a_host_linked_with_the_plugin_s_libpython_by_another_path(
    build_plugin, compile_c, run, tmp_path
):
    """It is the plugin's installation, whatever lies around that path."""
    standard = Path(os.__file__).parent
    folder = tmp_path / "other/lib"
    folder.mkdir(parents=True)
    (folder / Path(LIBPYTHON).name).symlink_to(LIBPYTHON)
    (folder / standard.name).symlink_to(standard)
    plugin = build_plugin(PLACE)
    host = compile_c(EMBEDDING, folder / Path(LIBPYTHON).name, f"-Wl,-rpath,{folder}")
    result = run(host, plugin, "later")
    assert (result.stdout, result.stderr) == (OWN_PLACE, "")


PRIVATE = r"""
#include <dlfcn.h>
#include <stdio.h>

static void start(const char *library) {
    void *python = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    ((void (*)(int))dlsym(python, "Py_InitializeEx"))(0);
    ((int (*)(const char *))dlsym(python, "PyRun_SimpleString"))(
        "import builtins; builtins.shared = 41");
    ((void *(*)(void))dlsym(python, "PyEval_SaveThread"))();
}

int main(int argc, char **argv) {
    for (int i = 2; i < argc; ++i) {
        start(argv[i]);
    }
    int (*answer)(void) = (int (*)(void))dlsym(dlopen(argv[1], RTLD_NOW), "answer");
    printf("%d\n", answer());
    return 0;
}
"""


@pytest.mark.once("the host begins Python once")
def test_a_host_that_loaded_its_python_for_itself_only(build_plugin, compile_c, run):
    """Extension modules need libpython's symbols: the loader makes them global."""
    result = run(compile_c(PRIVATE), build_plugin(ANSWER), LIBPYTHON)
    assert (result.stdout, result.stderr) == ("42\n", "")


def test_two_pythons_in_one_process_are_refused(build_plugin, compile_c, run, tmp_path):
    second = shutil.copy(LIBPYTHON, tmp_path / "libpython-second.so")
    plugin = build_plugin(ANSWER.replace("@epy.export", "@epy.export(error=-1)"))
    result = run(compile_c(PRIVATE), plugin, LIBPYTHON, second)
    assert result.stdout == "-1\n"
    assert len(result.stderr.splitlines()) == 1
    assert "two Pythons" in result.stderr and str(second) in result.stderr


# Starts that meet.


def test_a_stamped_plugin_also_serves_ctypes_in_this_process(build_plugin):
    """The test's own Python, which has loaded epy's modules itself, is a host like any other."""
    library = ctypes.CDLL(os.fspath(build_plugin(ADD)))
    assert library.add(20, 22) == 42
