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
def test_hooks_run_once_in_the_process_that_goes_on(build_plugin, daemon_host, run, kind):
    """What a child has added itself is its own; its parent's is once that has ended."""
    steps, expected = HOSTS[kind]
    result = run(daemon_host, build_plugin(SCRIPT), *steps.split())
    assert lines_of(result) == sorted(expected)


@pytest.mark.parametrize("steps", ["daemon", "work", "daemon work"])
def test_so_do_exit_functions_of_libraries(build_plugin, daemon_host, run, steps):
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
    result = run(daemon_host, build_plugin(script), *steps.split())
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
