"""Runaway recursion on any stack ends in a report and the error value, never in a crash."""

import os
import re

import pytest

NESTED_LIST = """
def shown_list():
    value = []
    for _ in range(100_000):
        value = [value]
    try:
        return len(repr(value))
    finally:
        while value:  # taking it apart must not nest either
            value = value.pop()
"""
KINDS = (
    NESTED_LIST
    + """
import epy, sys
from ctypes import c_int

@epy.export(error=-1)
def python(n: c_int) -> c_int:
    def down(i):
        return down(i + 1)
    return down(0)

class Asking:
    def __getattr__(self, name):
        return getattr(self, name + "_")

@epy.export(error=-1)
def attribute(n: c_int) -> c_int:
    return Asking().x

class Shown:
    def __repr__(self):
        return repr(self)

@epy.export(error=-1)
def shown(n: c_int) -> c_int:
    return len(repr(Shown()))

@epy.export(error=-1)
def nested(n: c_int) -> c_int:
    return shown_list()

def sort(value):
    return sorted([value, value], key=sort)

@epy.export(error=-1)
def sorting(n: c_int) -> c_int:
    return len(sort(1))

@epy.export(error=-1)
def fine(n: c_int) -> c_int:
    import json
    return len(json.dumps({"a": [n] * 100}))
"""
)
RUNAWAYS = ["python", "attribute", "shown", "nested", "sorting"]


def recursions(result):
    """How many were reported: equal reports on end are folded."""
    more = re.findall(r"^\.\.\. (\d+) more$", result.stderr, re.MULTILINE)
    return result.stderr.count("RecursionError: ") + sum(map(int, more))


@pytest.mark.parametrize(
    "stack", ["64", "256", "600", "1024", "2048", "8192", "main", "coroutine", "signal"]
)
def test_runaway_recursion_is_reported(build_plugin, native, run, stack):
    calls = [f"{stack}:{name}" for name in [*RUNAWAYS, "fine", *RUNAWAYS, "fine"]]
    result = run(native("stacks"), build_plugin(KINDS), *calls)
    values = [-1] * len(RUNAWAYS) + [307]
    expected = [f"{call} = {value}" for call, value in zip(calls, values * 2, strict=True)]
    assert result.stdout.splitlines() == expected
    assert recursions(result) == 2 * len(RUNAWAYS), result.stderr


INTERRUPTED = (
    NESTED_LIST
    + """
import epy, os, signal
from ctypes import c_int

calls = 0

@epy.export(error=-1)
def twice(n: c_int) -> c_int:
    global calls
    calls += 1
    if calls % 2:
        os.kill(os.getpid(), signal.SIGUSR1)
    return shown_list()
"""
)


def test_a_stack_in_a_stack_has_its_own_end(build_plugin, native, run):
    """And when the inner call is over, the outer one's is where it was."""
    result = run(native("stacks"), build_plugin(INTERRUPTED), "both:twice", "both:twice")
    assert result.stdout == "both:twice = -1\nboth:twice = -1\n"
    assert recursions(result) == 4, result.stderr


FIRST_CALL = """
import epy
from ctypes import c_int

if {fails}:
    raise RuntimeError("at its start")

@epy.export(error=-1)
def fine(n: c_int) -> c_int:
    return n + 1

@epy.export(error=-1)
def raises(n: c_int) -> c_int:
    raise ValueError(n)
"""


SMALL_STACKS = ["16", "20", "24", "28", "32", "coroutine16", "signal16"]
WAYS = ["of the installed epy", "fails at its start"]
LIFE_STACKS = ["32"]
TINY_STACKS: list[str] = []
if not os.environ.get("LD_PRELOAD"):
    WAYS.append("standalone")  # of what comes from memory a sanitizer knows nothing
    LIFE_STACKS = SMALL_STACKS  # and its frames in dlopen alone need 16 KiB
    TINY_STACKS = ["coroutine4", "signal8"]  # its frames are larger altogether


@pytest.mark.parametrize("way", WAYS)
def test_a_plugin_starts_on_a_small_stack(build_plugin, native, run, way):
    """Down to 16 KiB, the least that a thread has, to 4 KiB and to what signals had once.

    Loader, Python and script start elsewhere.
    """
    fails = "fails" in way
    script = FIRST_CALL.replace("{fails}", "not epy.building" if fails else "False")
    plugin = build_plugin(script, *(["--standalone"] if way == "standalone" else []))
    for stack in SMALL_STACKS + TINY_STACKS:
        calls = [f"{stack}:{name}" for name in ("fine", "raises", "fine")]
        result = run(native("stacks"), plugin, *calls)
        fine = -1 if fails else 2
        expected = [f"{calls[0]} = {fine}", f"{calls[1]} = -1", f"{calls[2]} = {fine}"]
        assert result.stdout.splitlines() == expected
        assert ("at its start" if fails else "ValueError: 1") in result.stderr


LIFE = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def fine(n: c_int) -> c_int:
    import json
    return len(json.dumps([n] * 100)) // 100 + n

@epy.on_unload
def last():
    print("last", flush=True)
"""


@pytest.mark.parametrize("options", [[], ["--eager"]], ids=["lazy", "eager"])
@pytest.mark.parametrize("stack", LIFE_STACKS)
def test_a_whole_life_on_a_small_stack(build_plugin, native, run, stack, options):
    """dlopen, which runs the script of an eager plugin, calls, epy.h, fork, dlclose."""
    plugin = build_plugin(LIFE, *options)
    deeds = {"+open": 1, "fine": 4, "+api": 4, "+fork": 4, "+close": 0}
    result = run(native("stacks"), plugin, *(f"{stack}:{deed}" for deed in deeds))
    expected = [f"{stack}:{deed} = {value}" for deed, value in deeds.items()]
    assert result.stdout.splitlines() == [*expected[:-1], "last", expected[-1]]
    assert result.stderr == ""


@pytest.mark.parametrize("stack", LIFE_STACKS)
def test_a_process_ends_on_a_small_stack(build_plugin, native, run, stack):
    calls = [f"{stack}:{deed}" for deed in ("fine", "+exit")]
    result = run(native("stacks"), build_plugin(LIFE), *calls, status=3)
    assert result.stdout.splitlines() == [f"{calls[0]} = 4", "last"]
    assert result.stderr == ""


THROUGH_C = """
import epy
from ctypes import CFUNCTYPE, c_int

@epy.export(error=-7)
def down(n: c_int) -> c_int:
    return CFUNCTYPE(c_int, c_int)(down.address)(n)

@epy.export
def fine(n: c_int) -> c_int:
    return n
"""


def test_a_function_that_calls_itself_through_c_says_so(build_plugin, native, run):
    """Where it ends no report with a traceback can be made."""
    result = run(native("call"), f"open {build_plugin(THROUGH_C)}", "int down 1 0", "int fine 5 0")
    assert result.stdout.split() == ["-7", "5"]
    (line,) = result.stderr.splitlines()
    assert line == (
        "epy: export 'down' ran out of stack, and returned its error value: "
        "does it call itself by way of the host?"
    )
