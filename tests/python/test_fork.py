"""Hosts that fork while a plugin is loaded."""

from __future__ import annotations

import sys

import pytest

WORK = """
import epy, os, sys
from ctypes import c_int

@epy.export
def work(x: c_int) -> c_int:
    return x * 10
"""


def test_a_child_makes_the_first_call(build_plugin, native, run):
    result = run(native("fork"), build_plugin(WORK), "3")
    assert result.stdout.splitlines() == ["child: 10", "child: 20", "child: 30", "parent: 0"]
    assert result.stderr == ""


PREPARED = """
@epy.export
def prepare() -> c_int:
    return 1
"""


def test_a_child_calls_a_plugin_that_its_parent_started(build_plugin, native, run):
    result = run(native("fork"), build_plugin(WORK + PREPARED), "3")
    expected = ["prepare: 1", "child: 10", "child: 20", "child: 30", "parent: 0"]
    assert (result.stdout.splitlines(), result.stderr) == (expected, "")


BUSY = """
import threading, time

lock = threading.Lock()

def busy():
    while True:
        with lock:
            [str(i) for i in range(200)]
            __import__("textwrap")

@epy.export
def prepare() -> c_int:
    for _ in range(2):
        threading.Thread(target=busy, daemon=True).start()
    return 1
"""


@pytest.mark.once("threads of the script go on")
def test_a_host_forks_while_python_threads_are_busy(build_plugin, native, run):
    # Each fork waits for its turn with the lock, which takes a second under a sanitizer.
    result = run(native("fork"), build_plugin(WORK + BUSY), "20")
    children = [f"child: {10 * i}" for i in range(1, 21)]
    expected = ["prepare: 1", *children, "parent: 0"]
    assert (result.stdout.splitlines(), result.stderr) == (expected, "")


@pytest.mark.once("what is written at the end is looked at")
def test_a_child_flushes_what_it_wrote(build_plugin, native, run):
    plugin = build_plugin(
        WORK.replace("    return x", "    sys.stdout.write(f'[{x} not flushed]')\n    return x")
        + PREPARED
    )
    result = run(native("fork"), plugin, "2")
    for text in ("[1 not flushed]", "[2 not flushed]", "[0 not flushed]"):
        assert result.stdout.count(text) == 1, result.stdout


def test_what_the_parent_had_not_flushed_is_written_once(build_plugin, native, run):
    plugin = build_plugin(
        WORK
        + "\n@epy.export\ndef prepare() -> c_int:\n    sys.stdout.write('[once]')\n    return 1\n"
    )
    result = run(native("fork"), plugin, "2")
    assert result.stdout.count("[once]") == 1, result.stdout


def test_a_child_runs_no_exit_function_of_its_parent(build_plugin, native, run):
    plugin = build_plugin(
        WORK
        + PREPARED
        + """
import atexit

@epy.on_load
def hook():
    atexit.register(lambda: print("exit function", flush=True))

@epy.on_unload
def unload_hook():
    print("unload hook", flush=True)
"""
    )
    result = run(native("fork"), plugin, "2")
    assert result.stdout.count("exit function") == 1
    assert result.stdout.count("unload hook") == 1
    assert result.stdout.splitlines()[-2:] == ["unload hook", "exit function"]


def test_a_script_may_fork_and_run_programs(build_plugin, native, run):
    plugin = build_plugin("""
import epy, os, subprocess
from ctypes import c_int

@epy.export
def run_them() -> c_int:
    child = os.fork()
    if child == 0:
        os._exit(7)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status + subprocess.run(["sh", "-c", "exit 5"], preexec_fn=lambda: None).returncode
""")
    result = run(native("call"), f"open {plugin}", "int run_them", "int run_them")
    assert (result.stdout, result.stderr) == ("12\n12\n", "")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_python_host_forks(build_plugin, run, moment):
    plugin = build_plugin(WORK)
    first = "library.work(1)" if moment == "after" else "None"
    host = f"""
import ctypes, os
library = ctypes.CDLL({str(plugin)!r})
{first}
child = os.fork()
if child == 0:
    print("child", library.work(2), flush=True)
    os._exit(0)
print("status", os.waitpid(child, 0)[1])
print("parent", library.work(3))
"""
    result = run(sys.executable, "-c", host)
    expected = ["child 20", "status 0", "parent 30"]
    assert (result.stdout.splitlines(), result.stderr) == (expected, "")


def test_a_child_forked_during_a_start_fails_instead_of_waiting(build_plugin, compile_c, run):
    """The thread that was starting the plugin does not exist in the child."""
    plugin = build_plugin(
        """
import epy, os, time

if not epy.building:
    open("starting", "w").close()
    while not os.path.exists("forked"):
        time.sleep(0.01)
"""
        + WORK.replace("@epy.export", "@epy.export(error=-1)")
    )
    host = compile_c(
        r"""
        #include <dlfcn.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <sys/wait.h>
        #include <unistd.h>

        static int (*work)(int);
        static void *call(void *unused) {
            (void)unused;
            printf("parent: %d\n", work(1));
            return NULL;
        }

        int main(int argc, char **argv) {
            (void)argc;
            setvbuf(stdout, NULL, _IOLBF, 0);
            work = (int (*)(int))dlsym(dlopen(argv[1], RTLD_NOW), "work");
            pthread_t thread;
            pthread_create(&thread, NULL, call, NULL);
            while (access("starting", F_OK) != 0) usleep(1000);
            const pid_t child = fork();
            if (child == 0) {
                alarm(300); // for one that waits
                printf("child: %d\n", work(2));
                fflush(stdout);
                _exit(0);
            }
            int status;
            waitpid(child, &status, 0);
            printf("status: %d\n", status);
            fclose(fopen("forked", "w"));
            pthread_join(thread, NULL);
            return 0;
        }
        """,
        "-pthread",
    )
    result = run(host, plugin)
    assert sorted(result.stdout.splitlines()) == ["child: -1", "parent: 10", "status: 0"]
