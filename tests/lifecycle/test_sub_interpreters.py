"""A host's thread whose current state is a sub-interpreter's calls a plugin.

As in weechat (each script is a sub-interpreter, and hooks run with one current), mod_wsgi and uWSGI
(one for each application, with thread states of their own), FreeRADIUS.
"""

from __future__ import annotations

import re

import pytest

import epy

SCRIPT = """
import builtins, ctypes, epy, threading
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_int, c_void_p

builtins.here = True
local = threading.local()

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def count() -> c_int:
    local.count = getattr(local, "count", 0) + 1
    return local.count

@CFUNCTYPE(c_int)
def is_here():
    return hasattr(builtins, "here")

address = ctypes.cast(is_here, c_void_p).value

@epy.export(error=-1)
def callbacks() -> c_int:
    return CFUNCTYPE(c_int)(address)() * 10 + PYFUNCTYPE(c_int)(address)()

@epy.export(error=-1)
def compute() -> c_int:
    return sum(1 for _ in range(10_000))
"""
WAYS = {
    "the first call": (
        "keep main | new sub | call add 1 2 | current sub | swap main | call add 3 4",
        "3 current 7",
    ),
    "a later call": (
        "keep main | call add 1 2 | new sub | call add 3 4 | current sub | swap main",
        "3 7 current",
    ),
    "from Python code": (
        "keep main | new sub | run import ctypes; "
        "print(ctypes.PyDLL('./plugin.so').add(1, 2), flush=True) | "
        "run print(ctypes.CDLL('./plugin.so').add(3, 4), flush=True) | current sub | "
        "swap main",
        "3 7 current",
    ),
    "callbacks that ctypes makes come to the plugin's interpreter": (
        "keep main | new sub | call callbacks | swap main | call callbacks",
        "11 11",
    ),
    "the main thread is the same in both": (
        "keep main | new sub | call count | swap main | call count | swap sub | call count | "
        "swap main",
        "1 2 3",
    ),
    "the main thread is so behind another one, too": (
        "keep main | save | thread call count | restore | new sub | call count | swap main | "
        "call count | swap sub | call count | swap main",
        "1 1 2 3",
    ),
    "the lock is free": (
        "keep main | new sub | save | call add 1 2 | call callbacks | restore | "
        "current sub | swap main",
        "3 11 current",
    ),
    "threads with states of the sub-interpreter": (
        "keep main | new sub | save | thread state a sub; acquire a; call count; "
        "call callbacks; current a; leave a; call callbacks; call count; acquire a; "
        "call count; delete a; call callbacks; call count; ensure; call count; release | "
        "thread call count; state b sub; acquire b; call count; call callbacks; current b; "
        "delete b; call callbacks | restore | current sub | swap main",
        "1 11 current 11 2 3 11 4 5 1 2 11 current 11 current",
    ),
    "a thread with states of both": (
        "keep main | new sub | swap main | save | thread state a sub; state b main; "
        "acquire b; call count; current b; leave b; acquire a; call callbacks; current a; "
        "delete a; acquire b; call count; delete b | restore",
        "1 current 11 current 2",
    ),
    "a state that is handed to another thread": (
        "keep main | call count | new sub | swap main | save | start acquire sub; "
        "touch busy; run x = sum(range(10**7)); leave sub | wait busy | call compute | "
        "call compute | join | restore | call count",
        "1 10000 10000 2",
    ),
    "sub-interpreters come and go": (
        "keep main | new sub | call callbacks | end sub | swap main | call count | new sub | "
        "call callbacks | end sub | swap main | call count | new sub | call callbacks | "
        "end sub | swap main | call count | new sub | call callbacks | end sub | swap main | "
        "call count | new sub | call callbacks | end sub | swap main | call count",
        "11 1 11 2 11 3 11 4 11 5",
    ),
    "a sub-interpreter that imports epy ends": (
        "keep main | call add 1 2 | new sub | run import sys; sys.path.append({package!r}) | "
        "run import epy | end sub | swap main | call add 3 4",
        "3 7",
    ),
    "a plugin is closed": (
        "keep main | new sub | call add 1 2 | close | open ./plugin.so | call add 3 4 | "
        "current sub | swap main",
        "3 7 current",
    ),
    "the process forks": (
        "keep main | call count | new sub | run x = 5 | fork call count; current sub; "
        "run print(x, flush=True); _exit 0 | call count | save | fork call count; restore; "
        "run print(x, flush=True); _exit 0 | restore | run print(x) | end sub | swap main",
        "1 2 current 5 child: 0 2 3 5 child: 0 5",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_call_in_a_sub_interpreter_runs_in_the_plugin_s(build_for, host, way):
    commands, answers = WAYS[way]
    build_for(SCRIPT)
    if "{package!r}" in commands:
        commands = commands.format(package=epy.__path__[0].rpartition("/")[0])
    over = "" if commands.count("new ") == commands.count("| end ") else "swap sub | end sub | "
    words = host(
        f"initialize | open ./plugin.so | {commands} | call add 5 6 | {over}swap main | finalize"
    )
    assert words == [*answers.split(), "11", "finalized:", "0"]


def test_a_call_in_an_interpreter_with_a_lock_of_its_own(build_for, host, python):
    build_for(SCRIPT)
    if python.version < (3, 12):
        return  # they are new in 3.12
    words = host(
        "initialize | open ./plugin.so | keep main | own sub | call add 1 2 | call callbacks | "
        "current sub | swap main | call count | swap sub | call count | save | call count | "
        "restore | end sub | swap main | finalize"
    )
    assert words == ["3", "11", "current", "1", "2", "3", "finalized:", "0"]


def test_since_3_12_ensure_leads_to_a_state_that_came_after_a_first_call(
    build_for, host, python, kind
):
    """The host's last one of the thread, also behind calls: until then it led to the plugin's."""
    build_for(SCRIPT)
    if python.version < (3, 12):
        return  # it leads to the first one
    words = host(
        f"initialize | open ./plugin.so | keep main | {kind} sub | save | thread call add 1 2; "
        "state a sub; acquire a; leave a; call add 3 4; ensure; current a; release; "
        "call callbacks; ensure; current a; release; acquire a; delete a; call add 5 6 | restore | "
        "swap sub | end sub | swap main | finalize"
    )
    assert words == ["3", "7", "current", "11", "current", "11", "finalized:", "0"]


# Each asks what PyGILState_Ensure leads to, after calls that come without the lock.
ENSURED = {
    "the main thread": (
        "call add 3 4 | ensure | current sub | release | call callbacks | ensure | current sub | "
        "release | restore | swap main | save | call add 3 4 | ensure | current main | release | "
        "restore | swap sub"
    ),
    "a thread with a state of the sub-interpreter": (
        "thread state a sub; acquire a; leave a; call callbacks; ensure; current a; release; "
        "call add 3 4; ensure; current a; release; acquire a; delete a; call callbacks; ensure; "
        "current main; release; call add 3 4 | restore"
    ),
    "a thread with states of both": (
        "thread state a sub; state b main; acquire b; leave b; call add 3 4; acquire a; leave a; "
        "call add 3 4; ensure; current a; current b; release; acquire b; leave b; call callbacks; "
        "ensure; current a; current b; release; acquire a; delete a; ensure; current b; release; "
        "acquire b; delete b | restore"
    ),
    "a thread that has called before": (
        "thread call add 3 4; state a sub; acquire a; leave a; call add 3 4; call callbacks; "
        "acquire a; run x = 1; leave a; call add 3 4; acquire a; current a; delete a; "
        "call callbacks | restore"
    ),
    "a state that is handed from thread to thread": (
        "thread acquire sub; leave sub; call add 3 4; ensure; current sub; release; acquire sub; "
        "leave sub | call callbacks | ensure | current sub | release | restore"
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", ENSURED)
def test_ensure_leads_where_it_would_have_without_the_call(build_for, host, kind, way):
    build_for(SCRIPT)
    around = (
        f"initialize | open ./plugin.so | keep main | {kind} sub | save | {ENSURED[way]} | "
        "swap sub | end sub | swap main | finalize"
    )
    with_calls = [word for word in host(around) if word not in {"7", "11"}]
    assert with_calls == host(re.sub(r"call \w+( 3 4)?", "touch x", around)) != []
