"""Hosts that fork: hooks and exit functions run once, in the process that goes on."""

from __future__ import annotations

import sys

import pytest

SCRIPT = r"""
import atexit, epy, os

first = 0

def say(what):
    os.write(1, f"{what} in the {'starter' if os.getpid() == first else 'child'}\n".encode())

@epy.export("int begin(void)", error=-1)
def begin():
    global first
    first = os.getpid()
    return 0

@epy.export("int add(void)", error=-1)
def add():
    epy.on_unload(lambda: say("later hook"))
    atexit.register(say, "later exit")
    return 0

@epy.on_unload
def leave():
    say("hook")

atexit.register(say, "exit")
"""
# `daemon(3)`, as hosts call it: its parent calls _exit. Both wait for what they talk about: that a
# process has ended shows in its child, which gets another parent.
HOST = r"""
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *plugin;
static int (*find(const char *name))(void) { return (int (*)(void))dlsym(plugin, name); }
static void await_end_of(pid_t parent) { while (getppid() == parent) usleep(1000); }

static void become_daemon(void) {
    const pid_t parent = getpid();
    if (daemon(1, 1) != 0) _exit(9);
    await_end_of(parent);
}

// HOST PLUGIN STEP...: a step that forks goes on in the child, but for `work`.
int main(int argc, char **argv) {
    alarm(300); // for one that hangs
    plugin = dlopen(argv[1], RTLD_NOW);
    if (plugin == NULL || find("begin")() != 0) return 9;
    for (int i = 2; i < argc; ++i) {
        const char *step = argv[i];
        if (strcmp(step, "daemon") == 0) {
            become_daemon();
        } else if (strcmp(step, "fork") == 0) { // and the parent waits, and exits as it should
            const pid_t child = fork();
            if (child != 0) { waitpid(child, NULL, 0); exit(0); }
        } else if (strcmp(step, "exit-first") == 0) { // the parent exits at once, as it should
            const pid_t parent = getpid();
            if (fork() != 0) exit(0);
            await_end_of(parent);
        } else if (strcmp(step, "work") == 0 || strcmp(step, "work-and-close") == 0) {
            const pid_t child = fork();
            if (child == 0) {
                if (strcmp(step, "work") != 0) dlclose(plugin);
                exit(0);
            }
            waitpid(child, NULL, 0);
        } else if (strcmp(step, "orphans") == 0) { // nobody else is left
            const pid_t parent = getpid();
            for (int n = 0; n < 4; ++n) {
                if (fork() == 0) { await_end_of(parent); exit(0); }
            }
            _exit(0);
        } else if (strcmp(step, "add") == 0) {
            find("add")();
        } else if (strcmp(step, "close") == 0) {
            dlclose(plugin);
        } else if (strcmp(step, "_exit") == 0) {
            _exit(0);
        }
    }
    exit(0);
}
"""
CHILD = ["hook in the child", "exit in the child"]
STARTER = ["hook in the starter", "exit in the starter"]
LATER = ["later hook in the child", "later exit in the child"]
HOSTS = {
    "daemon, exits": ("daemon", CHILD),
    "daemon, closes": ("daemon close", CHILD),
    "daemon, closes and ends": ("daemon close _exit", CHILD),
    "daemon of a daemon": ("daemon daemon", CHILD),
    "daemon with workers": ("daemon work work-and-close work", CHILD),
    "daemon, killed": ("daemon _exit", []),
    "daemon that adds": ("daemon add", sorted([*CHILD, *LATER])),
    "daemon that adds first": ("add daemon", sorted([*CHILD, *LATER])),
    "closes, then a daemon": ("close daemon", STARTER),
    "workers": ("work work-and-close", STARTER),
    "a worker that adds": ("fork add", sorted([*STARTER, *LATER])),
    "a daemon of a worker": ("fork daemon", STARTER),
    "a daemon of a worker that adds": ("fork add daemon", sorted([*STARTER, *LATER])),
    "exits first": ("exit-first", STARTER),
    "exits first, then a daemon": ("exit-first daemon close", STARTER),
    "orphans": ("orphans", CHILD),
}


def lines_of(result) -> list[str]:
    assert result.stderr == ""
    return sorted(result.stdout.splitlines())


@pytest.mark.parametrize("kind", HOSTS)
def test_hooks_run_once_in_the_process_that_goes_on(build_plugin, compile_c, run, kind):
    """What a child has added itself is its own; its parent's is once that has ended."""
    steps, expected = HOSTS[kind]
    result = run(compile_c(HOST), build_plugin(SCRIPT), *steps.split())
    assert lines_of(result) == sorted(expected)


@pytest.mark.parametrize("steps", ["daemon", "work", "daemon work"])
def test_so_do_exit_functions_of_libraries(build_plugin, compile_c, run, steps):
    """`logging` writes what it has held back."""
    script = """
import epy, logging.handlers, sys

log = logging.getLogger()
log.addHandler(logging.handlers.MemoryHandler(9, target=logging.StreamHandler(sys.stdout)))

@epy.export("int begin(void)", error=-1)
def begin():
    log.warning("held back")
    return 0
"""
    result = run(compile_c(HOST), build_plugin(script), *steps.split())
    assert lines_of(result) == ["held back"]


PYTHON_HOST = """
import ctypes, os, sys, time
plugin = ctypes.CDLL(sys.argv[1])
plugin.begin()
parent = os.getpid()
if sys.argv[2] == "daemon":
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.001)
elif child := os.fork():
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize(("kind", "where"), [("daemon", "child"), ("work", "starter")])
def test_hooks_run_once_in_a_python_host_too(build_plugin, run, kind, where):
    """Exit functions are the host's Python's: they run in each process that it ends."""
    result = run(sys.executable, "-c", PYTHON_HOST, build_plugin(SCRIPT), kind)
    assert [line for line in lines_of(result) if "hook" in line] == [f"hook in the {where}"]
