"""The first call of a plugin comes from inside the host's beginning or end of Python.

Whoever waited for that would wait for himself, and a Python that started meanwhile would be broken.
"""

from __future__ import annotations

import pytest
from plugin_scripts import ADD

ENDS = "the host has finalized Python: calls return their error values"
BETWEEN = "the host begins or ends Python on this thread: calls return their error values"
DIES = (
    "import ctypes; call = ctypes.{library}('./plugin.so').add; caller = type('Caller', (), "
    "{{'__del__': lambda self, call=call, print=print: print(call(1, 2), flush=True)}})()"
)
OTHERS = "open ./other.so 1 | call 1:add 4 4"
WAYS = {
    "a hook at the beginning": ("hook import call add 1 2 | initialize", "-1"),
    "a hook at the end": (
        "hook cpython.PyInterpreterState_Clear call add 1 2 | initialize | finalize",
        "-1 finalized: 0",
    ),
    "an object that dies last": (
        f"initialize | run {DIES.format(library='CDLL')} | finalize",
        "-1 finalized: 0",
    ),
    "and it holds the lock": (
        f"initialize | run {DIES.format(library='PyDLL')} | finalize",
        "-1 finalized: 0",
    ),
    "an exit function": ("initialize | last call add 1 2 | finalize", "-1 finalized: 0"),
    "an exit function, behind another plugin's end": (
        f"initialize | last call add 1 2 | {OTHERS} | finalize",
        "8 -1 finalized: 0",
    ),
    "an exit function, before another plugin's end": (
        f"initialize | {OTHERS} | last call add 1 2 | finalize",
        "8 -1 finalized: 0",
    ),
    "an exit function of epy's Python": (
        f"{OTHERS} | initialize | last call add 1 2 | finalize",
        "8 -1 finalized: 0",
    ),
}


@pytest.mark.usefixtures("ctypes_twice")
@pytest.mark.parametrize("way", WAYS)
def test_such_a_call_returns_its_error_value_and_the_next_one_is_served(build_for, host, way):
    commands, answers = WAYS[way]
    if OTHERS in commands:
        build_for(ADD, name="other")
    build_for(ADD)
    again = "" if way == "a hook at the beginning" else "initialize | "
    said = ENDS if f"{OTHERS} | " in commands.split("last")[0] else BETWEEN
    words = host(f"open ./plugin.so | {commands} | {again}call add 2 3 | finalize", said)
    assert words == [*answers.split(), "5", "finalized:", "0"]
