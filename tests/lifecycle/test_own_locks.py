"""Callbacks of sub-interpreters that have a lock (GIL) of their own: CPython 3.13 and newer."""

from __future__ import annotations

from pathlib import Path

import epy

SINCE = (3, 13)
PACKAGES = str(Path(epy.__file__).parent.parent)
MAKE = (
    f"run import sys; sys.path.append({PACKAGES!r}); import builtins, ctypes, epy; "
    "builtins.here = {here}; {define}; f = epy.callback('int f(int)', error=-1)(spin)"
)
SPIN = """
import mmap, sys

with open("flags", "r+b") as file:
    flags = mmap.mmap(file.fileno(), 2)

def spin(number):
    sys.setswitchinterval(1000)
    flags[here % 2] = 1
    open("begun", "w").close()
    while not flags[1 - here % 2]:
        pass
    return number + here
"""


def test_an_error_value_that_lies_in_an_interpreter_goes_with_it(host):
    words = host(
        f"initialize | keep main | own sub | run import sys; sys.path.append({PACKAGES!r}); "
        "import ctypes, epy; f = epy.callback('char *f(int)', lambda n: 'yes', error='no' * 9); "
        "ctypes.CDLL(None).host_keep(f) | end sub | swap main | kept 2 | finalize",
        said="was called after it was dropped; it returned its error value",
    )
    assert words == ["0", "finalized:", "0"]


def test_two_with_locks_of_their_own_run_at_once(host, tmp_path):
    """Each spins until the other does, and lets nobody else have its lock meanwhile."""
    (tmp_path / "flags").write_bytes(bytes(2))
    (tmp_path / "spin.py").write_text(SPIN)
    define = "exec(open('spin.py').read())"
    words = host(
        f"initialize | keep main | own a | {MAKE.format(here=10, define=define)} | "
        "run ctypes.CDLL(None).host_keep(f) | swap main | own b | "
        f"{MAKE.format(here=21, define=define)} | save | start kept 1 | wait begun | restore | "
        "run ctypes.CDLL(None).host_keep(f) | save | "
        "kept 2 | join | restore | end b | swap a | end a | swap main | finalize"
    )
    assert sorted(words[:2]) == ["11", "23"]
    assert words[2:] == ["finalized:", "0"]


def test_many_are_made_and_dropped_at_once(host, tmp_path):
    """By two interpreters with locks of their own: records and addresses belong to all."""
    (tmp_path / "churn.py").write_text("""
import ctypes, epy

INT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
kept = []
for n in range(4_300):
    f = epy.callback(INT)(lambda value, n=n: value + n)
    if ctypes.cast(f, INT)(1) != n + 1:
        print("wrong", n)
    if n % 100 == 0:
        kept.append((n, f))
print(sum(ctypes.cast(f, INT)(1) - n for n, f in kept), flush=True)
""")
    here = f"import sys; sys.path[:0] = ['.', {PACKAGES!r}]"
    words = host(
        f"initialize | keep main | own a | run {here} | swap main | own b | run {here} | save | "
        "start acquire a; run import churn; end a | acquire b | run import churn | end b | join | "
        "acquire main | finalize"
    )
    assert words == ["43", "43", "finalized:", "0"]


HOLD_HERE = "exec(open('hold.py').read())"
HOLD = """
import mmap, sys

with open("flags", "r+b") as file:
    flags = mmap.mmap(file.fileno(), 2)

def spin(number):
    sys.setswitchinterval(1000)
    flags[0] = 1
    while not flags[1]:
        pass
    return number + here
"""


def test_a_fork_while_a_thread_keeps_another_interpreter_s_lock(host, tmp_path):
    """In the child nobody ever gives it back: callbacks do not wait for it."""
    (tmp_path / "flags").write_bytes(bytes(2))
    (tmp_path / "hold.py").write_text(HOLD)
    flags = "import mmap, time; file = open('flags', 'r+b'); flags = mmap.mmap(file.fileno(), 2)"
    words = host(
        f"initialize | keep main | run {flags} | own a | "
        f"{MAKE.format(here=10, define=HOLD_HERE)} | "
        "run ctypes.CDLL(None).host_keep(f) | swap main | save | start kept 1 | restore | "
        "run while not flags[0]: time.sleep(0.001) | fork kept 2; _exit 0 | run flags[1] = 1 | "
        "save | join | restore | swap a | end a | swap main | finalize",
        said="it returned its error value",
    )
    assert words == ["-1", "child:", "0", "11", "finalized:", "0"]


def test_a_fork_while_another_interpreter_makes_callbacks(host, tmp_path):
    """The child finds what all interpreters share whole and free."""
    (tmp_path / "busy.py").write_text("""
import os, epy

while not os.path.exists("enough"):
    epy.callback("int f(int)")(lambda n: n)
    if not os.path.exists("begun"):  # no import is to come, which would wait for the main GIL
        open("begun", "w").close()
""")
    here = f"import sys; sys.path[:0] = ['.', {PACKAGES!r}]"
    make = "import epy; f = [epy.callback('int f(int)')(abs).address for _ in range(99)]"
    words = host(
        f"initialize | keep main | run {here}; {make} | own a | run {here} | leave a | "
        "start acquire a; run import busy; end a | wait begun | acquire main | "
        + "".join(f"fork run {make.replace(';', chr(10))}; _exit 0 | " for _ in range(3)).replace(
            "fork run import epy\n", "fork run import epy, os; run "
        )
        + "save | touch enough | join | restore | finalize"
    )
    assert words == ["child:", "0"] * 3 + ["finalized:", "0"]
