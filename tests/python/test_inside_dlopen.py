"""Plugins that start when they are loaded: --eager, and side by side with their script."""

import shutil
import sys
import textwrap

import pytest
from plugin_scripts import ADD

WITHOUT_GIL = """
import ctypes
libc = ctypes.CDLL(None)  # ctypes gives the GIL up for its calls
libc.dlopen.restype = ctypes.c_void_p
libc.dlsym.restype = ctypes.c_void_p
libc.dlsym.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

def open_without_gil(file):
    return libc.dlopen(file.encode(), 2)

def add_of(handle):
    address = libc.dlsym(handle, b"add")
    return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)(address) if address else None
"""


@pytest.fixture(params=["eager", "bare"])
def make(request, build_plugin, epy, tmp_path):
    """`make(name, script)`: the path of a plugin that starts when it is loaded."""
    made = {}

    def make(name, script=ADD):
        plugin = tmp_path / f"{name}.so"
        key = script if request.param == "eager" else "bare"
        if key in made:
            shutil.copy(made[key], plugin)
        elif request.param == "eager":
            build_plugin(script, "--eager", name=name)
        else:
            epy("stub", "-o", plugin)
        made[key] = plugin
        (tmp_path / f"{name}.py").write_text(script)
        return plugin

    make.kind = request.param
    return make


def test_twenty_in_one_host(make, native, run):
    plugins = [make(f"plugin{i}") for i in range(20)]
    opened = [f"open {plugin}" for plugin in plugins]
    result = run(native("call"), *opened, *(f"int {i}:add {i} 1" for i in range(20)))
    assert result.stdout.split() == [str(i + 1) for i in range(20)]
    assert result.stderr == ""


def test_the_script_has_run_when_dlopen_returns(make, native, run):
    script = "import epy\nif not epy.building:\n    print('started', flush=True)\n" + ADD
    opened = [f"open {make(name, script)}" for name in ("one", "two")]
    result = run(native("call"), *opened, "int 0:add 1 2", "int 1:add 3 4", "close 1", opened[1])
    assert result.stdout.split() == ["started", "started", "3", "7", "started"]


@pytest.mark.parametrize("order", [("lazy", "one"), ("one", "lazy"), ("one", "lazy", "two")])
def test_beside_plugins_that_start_at_their_first_call(make, build_plugin, native, run, order):
    build_plugin(ADD, name="lazy")
    for name in {*order} - {"lazy"}:
        make(name)
    commands = [part for name in order for part in (f"open ./{name}.so", "int add 1 2")]
    result = run(native("call"), *commands)
    assert result.stdout.split() == ["3"] * len(order)
    assert result.stderr == ""


THREADS = r"""
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

enum { count = 20 };
static pthread_barrier_t barrier;

static void *load(void *number) {
    char file[32];
    snprintf(file, sizeof file, "./plugin%ld.so", (long)number);
    pthread_barrier_wait(&barrier);
    void *plugin = dlopen(file, RTLD_NOW);
    int (*add)(int, int) = plugin ? (int (*)(int, int))dlsym(plugin, "add") : NULL;
    return (void *)(long)(add ? add(1, 2) : -2);
}

int main(void) {
    pthread_t threads[count];
    pthread_barrier_init(&barrier, NULL, count);
    for (long i = 0; i < count; ++i) {
        pthread_create(&threads[i], NULL, load, (void *)i);
    }
    for (int i = 0; i < count; ++i) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%ld ", (long)result);
    }
}
"""


def test_twenty_threads_at_once(make, compile_c, run):
    for i in range(20):
        make(f"plugin{i}")
    result = run(compile_c(THREADS, "-pthread"))
    assert result.stdout.split() == ["3"] * 20
    assert result.stderr == ""


def test_loading_while_another_thread_starts_python_does_not_hang(
    make, build_plugin, compile_c, run
):
    """Whoever starts Python needs the dynamic loader's lock, which the other one has."""
    for i in range(20):
        make(f"plugin{i}") if i % 2 else build_plugin(ADD, name=f"plugin{i}")
    result = run(compile_c(THREADS, "-pthread"))
    numbers = result.stdout.split()
    assert {numbers[i] for i in range(0, 20, 2)} == {"3"}
    late = numbers.count("-2")  # bare ones that have no names
    # A wait that is only long, on a busy machine, says so too.
    said = [line for line in result.stderr.splitlines() if "has been waiting for" not in line]
    assert all("cannot run inside dlopen" in line for line in said)
    assert late == (len(said) if make.kind == "bare" else 0)


BUSY = """
import threading
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
"""


@pytest.mark.once("a thread of the script stays busy")
def test_a_busy_thread_of_another_plugin_does_not_keep_a_plugin_from_starting(make, native, run):
    one = make("one", "import epy\nif not epy.building:" + BUSY.replace("\n", "\n    ") + ADD)
    result = run(native("call"), f"open {one}", f"open {make('two')}", "int add 1 2")
    assert (result.stdout, result.stderr) == ("3\n", "")


IMPORTING = """
import ctypes, sys, threading, time

def load():
    while True:
        sys.modules.pop("_queue", None)
        sys.modules.pop("_asyncio", None)
        import _queue, _asyncio
        ctypes.CDLL(None).malloc
        time.sleep(0.005)

@epy.on_load
def start():
    for _ in range(2):
        threading.Thread(target=load, daemon=True).start()
"""


def test_threads_that_import_while_others_are_loaded_hang_nothing(make, build_plugin, native, run):
    build_plugin(ADD + IMPORTING, name="importing")
    imports = "import json, decimal, _bisect, _csv\n"
    plugins = [make(f"plugin{i}", imports + ADD) for i in (1, 2)]
    opened = [f"open {plugin}" for plugin in plugins]
    commands = ["open ./importing.so", "int add 1 2", *opened]
    result = run(native("call"), *commands, "int 1:add 1 1", "int 2:add 2 1")
    said = [line for line in result.stderr.splitlines() if "has been waiting for" not in line]
    late = result.stderr.count("cannot run inside dlopen")
    assert len(said) == late
    if make.kind == "eager":
        assert result.stdout.split() == ["3", "2", "3"]
    else:
        assert len(result.stdout.splitlines()) == 3
        assert result.stdout.count("no symbol") == late


OUTER = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void load(void) {
    fclose(fopen("go", "w"));
    while (access("gone", F_OK) != 0) {
        usleep(1000);
    }
    usleep(200000); // the other thread holds the GIL by now and waits for the dynamic loader
    dlopen("./two.so", RTLD_NOW);
}
"""
WAITING = """
import os, threading, time

def wait():
    while not os.path.exists("go"):
        time.sleep(0.001)
    open("gone", "w").close()
    import _asyncio

@epy.on_load
def start():
    threading.Thread(target=wait, daemon=True).start()
"""


def test_a_thread_that_waits_for_the_dynamic_loader_with_the_gil_puts_the_start_off(
    make, build_plugin, compile_c, native, run, tmp_path
):
    build_plugin(ADD + WAITING, name="one")
    make("two")
    compile_c(OUTER, "-shared", "-fPIC", name="outer.so")
    opened = ["open ./one.so", "int add 1 2", "open ./outer.so", "open ./two.so", "int add 3 4"]
    result = run(native("call"), *opened)
    (line,) = result.stderr.splitlines()
    assert "a thread of Python has kept the interpreter lock" in line
    assert f"{tmp_path}/two.so" in line
    if make.kind == "eager":
        assert "it runs at the first call; build it without --eager" in line
        assert result.stdout.split() == ["3", "7"]
    else:
        assert "it has no names until it is loaded again" in line
        assert "no symbol" in result.stdout


def test_a_python_host_that_holds_the_gil(make, run):
    for i in range(20):
        make(f"plugin{i}")
    host = (
        "import ctypes\nfor i in range(20):\n    print(ctypes.PyDLL(f'./plugin{i}.so').add(i, 1))"
    )
    result = run(sys.executable, "-c", host)
    assert result.stdout.split() == [str(i + 1) for i in range(20)]
    assert result.stderr == ""


def test_a_python_host_without_the_gil_that_no_plugin_has_joined(make, run, tmp_path):
    """There is nobody yet who could wait for the GIL with a limit."""
    plugin = make("one")
    host = WITHOUT_GIL + "add = add_of(open_without_gil('./one.so'))\nprint(add and add(1, 2))\n"
    result = run(sys.executable, "-c", host)
    (line,) = result.stderr.splitlines()
    assert str(plugin) in line
    assert "does not hold the interpreter lock" in line
    late = {"eager": ("3\n", "without --eager"), "bare": ("None\n", "with 'epy build'")}
    assert result.stdout == late[make.kind][0]
    assert late[make.kind][1] in line


def test_a_python_host_without_the_gil_that_a_plugin_has_joined(make, build_plugin, run):
    build_plugin(ADD, name="lazy")
    for i in range(20):
        make(f"plugin{i}")
    host = """
        print(ctypes.CDLL("./lazy.so").add(1, 2))
        import threading
        handles = {}
        def load(i):
            handles[i] = open_without_gil(f"./plugin{i}.so")
        threads = [threading.Thread(target=load, args=(i,)) for i in range(20)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(*[add_of(handles[i])(i, 1) for i in range(20)])
    """
    result = run(sys.executable, "-c", WITHOUT_GIL + textwrap.dedent(host))
    assert result.stdout.split() == ["3", *(str(i + 1) for i in range(20))]
    assert result.stderr == ""


def test_a_script_that_loads_a_plugin_that_starts_when_loaded(make, native, run):
    make("inner")
    outer = make(
        "outer",
        ADD + "import ctypes\nif not epy.building:\n"
        "    print(ctypes.CDLL('./inner.so').add(1, 1), flush=True)\n",
    )
    result = run(native("call"), f"open {outer}", "int add 1 2")
    assert (result.stdout.split(), result.stderr) == (["2", "3"], "")
