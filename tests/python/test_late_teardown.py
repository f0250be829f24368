"""What Python still has of a plugin after dlclose may be used; when it goes, the image does."""

from __future__ import annotations

import sys

import pytest

DATA = """
import builtins, ctypes, epy, gc, os, time
from ctypes import *

class Pair(Structure):
    _fields_ = [("first", c_int), ("name", c_char_p), ("next", POINTER(c_int)),
                ("call", CFUNCTYPE(c_int, c_int))]

@epy.export(error=-1)
def twice(n: c_int) -> c_int:
    return 2 * n

number = epy.export_data("number", c_int(5))
text = epy.export_data("text", c_char_p(b"text"))
array = epy.export_data("array", (c_short * 3)(1, 2, 3))
pair = epy.export_data("pair", Pair(1, b"name", pointer(number), twice))
view, place = memoryview(array).cast("B").cast("h"), pointer(pair)
name = pair.name

def use():
    number.value += 1
    text.value = b"other"
    view[0] += 1
    place.contents.first += 1
    return (number.value, text.value, list(array), pair.first, pair.name, pair.next[0],
            pair.call(4), place[0].next.contents.value)

def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)
"""
USED = "(6, b'other', [2, 2, 3], 2, b'name', 6, 8, 6)"

PROBE = """
import builtins, epy, gc, threading
from ctypes import c_int

@epy.export
def look() -> c_int:
    return builtins.held[0]

@epy.export
def drop() -> c_int:
    vars(builtins).pop("held", None)
    for thread in threading.enumerate():
        if thread.name == "goes on":
            thread.join()
    del thread
    gc.collect()
    return 0
"""


def test_a_hook_that_takes_too_long_uses_the_plugins_data(build_plugin, native, run) -> None:
    plugin = build_plugin(
        DATA
        + """
@epy.on_unload
def late():
    wait_for("closed")
    print(use(), flush=True)
"""
    )
    result = run(
        *(native("call"), f"open {plugin}", "int twice 1", "close", "images plugin.so"),
        *("touch closed", "unmapped plugin.so"),
    )
    assert result.stdout.splitlines() == ["2", "1", USED]
    assert result.stderr.count("\n") == 1
    assert "on_unload did not finish within 2 s" in result.stderr


DELETED = """
class Last:
    def __init__(self):
        self.cycle = self
    def __del__(self):
        print(use(), flush=True)

last = Last()
"""

PYTHON_HOST = """
import ctypes, sys, time
from _ctypes import dlclose

def mapped():
    with open("/proc/self/maps") as maps:
        return maps.read().count("/plugin.so")

for _ in range(5):
    plugin = ctypes.CDLL("./plugin.so")
    assert plugin.twice(4) == 8
    dlclose(plugin._handle)  # which holds the GIL: the plugin goes in the background
    while mapped():
        time.sleep(0.01)
"""


def test_what_goes_after_dlclose_uses_the_plugins_data(build_plugin, run) -> None:
    build_plugin(
        DATA
        + DELETED
        + """
@epy.on_unload
def late():
    print(number.value, flush=True)
"""
    )
    result = run(sys.executable, "-c", PYTHON_HOST)
    assert result.stdout == f"5\n{USED}\n" * 5
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("held", "seen"),
    [
        ("view", "builtins.held[1] == 2"),
        ("memoryview(pair).cast('B')", "builtins.held[0] == 1"),
        ("array", "builtins.held[2] == 3"),
        ("(c_short * 2).from_buffer(view, 2)", "builtins.held[0] == 2"),
        ("place", "builtins.held[0].next[0] == 5"),
        ("number", "builtins.held.value == 5"),
        ("(use(), text)[1]", "builtins.held.value == b'other'"),
    ],
)
def test_who_holds_a_plugins_data_can_use_it(build_plugin, native, run, held, seen) -> None:
    """Until it is dropped; then the image goes."""
    hold = f"\n@epy.on_load\ndef hold():\n    builtins.held = {held}\n"
    plugin = build_plugin(DATA + hold)
    probe = build_plugin(PROBE.replace("builtins.held[0]", seen), name="probe")
    result = run(
        *(native("call"), f"open {probe}", f"open {plugin}", "int twice 1", "close"),
        *("images plugin.so", "int 0:look", "int 0:drop", "unmapped plugin.so"),
    )
    assert result.stdout.splitlines() == ["2", "1", "1", "0"]
    assert result.stderr == ""


def test_a_thread_of_the_script_goes_on_with_the_plugins_data(build_plugin, native, run) -> None:
    plugin = build_plugin(
        DATA
        + """
import threading

def go_on():
    wait_for("closed")
    print(use(), flush=True)
    open("over", "w").close()

@epy.export
def start() -> c_int:
    threading.Thread(target=go_on, name="goes on", daemon=True).start()
    return 1
"""
    )
    probe = build_plugin(PROBE, name="probe")
    result = run(
        *(native("call"), f"open {probe}", f"open {plugin}", "int start", "close"),
        *("touch closed", "await over", "int 0:drop", "unmapped plugin.so"),
    )
    assert result.stdout.splitlines() == ["1", USED, "0"]
    assert result.stderr == ""


@pytest.mark.once("a file that the first round leaves says when")
def test_a_plugin_closed_during_its_first_call_uses_its_data(build_plugin, native, run) -> None:
    plugin = build_plugin(
        DATA
        + """
@epy.on_load
def go_on():
    open("starting", "w").close()
    wait_for("closed")
    print(use(), flush=True)

@epy.on_unload
def leave():
    print(use(), flush=True)
"""
    )
    result = run(
        *(native("call"), f"open {plugin}"),
        *("together int twice 3 | await starting touch closed close", "unmapped plugin.so"),
    )
    assert result.stdout.splitlines()[2:] == ["-1"]


def test_a_forked_child_that_closes_a_plugin_uses_its_data(build_plugin, run) -> None:
    build_plugin(DATA + "\nbuiltins.held = use\n")
    host = """
import builtins, ctypes, os
from _ctypes import dlclose

plugin = ctypes.CDLL("./plugin.so")
assert plugin.twice(4) == 8
child = os.fork()
if child == 0:
    dlclose(plugin._handle)
    print(builtins.held(), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    assert run(sys.executable, "-c", host).stdout == USED + "\n"


def test_a_plugin_that_is_opened_again_is_another_one(build_plugin, native, run) -> None:
    """Also while somebody still has the first one's data."""
    plugin = build_plugin(
        DATA
        + """
builtins.held = getattr(builtins, "held", array)

@epy.export
def count() -> c_int:
    number.value += 1
    return number.value
"""
    )
    load = [f"open {plugin}", "int count", "int count", "close"]
    result = run(native("call"), *load, *load, "images plugin.so")
    assert result.stdout.splitlines() == ["6", "7", "6", "7", "1"]
