"""Callbacks that a script in a sub-interpreter of the host's makes run in that interpreter.

Whichever is current where C calls them, and also where each interpreter has a lock of its own: more
of that in test_own_locks.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import epy

PACKAGES = str(Path(epy.__file__).parent.parent)
MAKE = (
    f"run import sys; sys.path.append({PACKAGES!r}); import builtins, ctypes, epy; "
    "builtins.here = {here}; f = epy.callback('int f(int)', {body}, error=-1); "
    "ctypes.CDLL(None).host_keep(f)"
)
STALE = "was called after it was dropped; it returned its error value"


def make(here: int, body: str = "lambda n: n + here") -> str:
    """It knows its interpreter by what it adds to a number."""
    return MAKE.format(here=here, body=body)


WAYS = {
    "in its own interpreter": ("kept 1 | current sub", "11 current"),
    "in another one": (
        "swap main | kept 1 | kept 2 | current main | swap sub | current sub",
        "11 12 current current",
    ),
    "without a lock": (
        "save | kept 1 | thread kept 2; kept 3 | kept 4 | restore | current sub",
        "11 12 13 14 current",
    ),
    "where PyGILState_Ensure leads stays": (
        "save | thread kept 1; ensure; check; release; kept 2; ensure; "
        "run print(0, flush=True); release | restore",
        "11 1 12 0",
    ),
    "on a thread with a state of the main interpreter": (
        "swap main | save | thread ensure; kept 1; check; run print(7, flush=True); release; "
        "kept 2 | restore | swap sub",
        "11 1 7 12",
    ),
    "while it raises": (
        "run f = epy.callback('int f(int)', lambda n: 1 // (n - n), error=-1) | "
        "run import io, sys; sys.stderr = io.StringIO() | run ctypes.CDLL(None).host_keep(f) | "
        "swap main | kept 1 | swap sub",
        "-1",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_runs_in_the_interpreter_that_made_it(host, kind, way):
    commands, answers = WAYS[way]
    words = host(
        f"initialize | keep main | {kind} sub | {make(10)} | {commands} | end sub | "
        "swap main | finalize"
    )
    assert words == [*answers.split(), "finalized:", "0"]


def test_a_callback_of_an_interpreter_that_has_ended_returns_its_error_value(host, kind):
    commands = f"{kind} sub | {make(10)} | kept 1 | end sub | swap main | kept 2 | save | kept 3"
    words = host(f"initialize | keep main | {commands} | restore | finalize", said=STALE)
    assert words == ["11", "-1", "-1", "finalized:", "0"]


def test_interpreters_come_and_go(host, kind):
    rounds = [f"{kind} sub | {make(n)} | kept 1 | swap main | kept 2 | swap sub | end sub | "
              "swap main" for n in range(5)]  # fmt: skip
    words = host(f"initialize | keep main | {' | '.join(rounds)} | finalize")
    assert words == [*(str(n + i) for n in range(5) for i in (1, 2)), "finalized:", "0"]


def test_calls_go_from_interpreter_to_interpreter(host, kind, build_for):
    """From a plugin's function to a sub-interpreter's callback, and back into the plugin."""
    build_for(
        """
import ctypes, epy
from ctypes import c_int

@epy.export(error=-1)
def twice(n: c_int) -> c_int:
    return 2 * n

@epy.export(error=-1)
def through(n: c_int) -> c_int:
    return 1 + ctypes.CDLL(None).host_apply_kept(n)
"""
    )
    body = "lambda n: here + ctypes.CDLL('./plugin.so').twice(n)"
    words = host(
        "initialize | open ./plugin.so | keep main | call twice 1 | "
        f"{kind} sub | {make(10, body)} | call through 4 | current sub | swap main | "
        "call through 5 | save | call through 6 | thread call through 7 | restore | "
        "swap sub | end sub | swap main | finalize"
    )
    assert words == ["2", "19", "current", "21", "23", "25", "finalized:", "0"]


def test_handles_and_headers_in_a_sub_interpreter(host, kind, tmp_path):
    (tmp_path / "shape.h").write_text(
        "typedef struct shape { int sides; } shape;\n"
        "int host_apply(int (*function)(int), int number);\n"
    )
    (tmp_path / "parts.py").write_text("""
import ctypes, epy

header = epy.header("shape.h")

class Thing(epy.Object):
    pass

@epy.callback("int f(int)")
def double(n):
    return 2 * n

thing = Thing()
handle = ctypes.CFUNCTYPE(Thing, ctypes.c_void_p)
found = header.shape(sides=3)
print(found.sides, ctypes.CDLL(None).host_apply(double, 4), flush=True)
""")
    words = host(
        f"initialize | keep main | {kind} sub | run import sys; "
        f"sys.path[:0] = ['.', {PACKAGES!r}]; import parts | end sub | swap main | "
        "run from pathlib import Path; "
        "print(Path('/proc/thread-self/children').read_text().split(), flush=True) | finalize"
    )
    assert words == ["3", "8", "[]", "finalized:", "0"], "the reader's process has ended, too"
