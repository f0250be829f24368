"""Ctrl-C in a Python program while a plugin's code runs: it is the program's."""

import sys

import pytest

HEAD = """
import epy, os, signal
from ctypes import CFUNCTYPE, c_int

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        pass
"""
CASES = {
    "in a call": """
@epy.export(error=-5)
def work() -> c_int:
    interrupt()
""",
    "in the script": """
if not epy.building:
    interrupt()

@epy.export
def work() -> c_int:
    return 1
""",
    "in on_load": """
epy.on_load(interrupt)

@epy.export
def work() -> c_int:
    return 1
""",
    "in a call below a call": """
@epy.callback(CFUNCTYPE(c_int))
def below():
    interrupt()

host = CFUNCTYPE(c_int)(below.address)

@epy.export(error=-5)
def work() -> c_int:
    while True:
        host()
""",
    "in error_hook": """
epy.error_hook = lambda report: interrupt()

@epy.export(error=-5)
def work() -> c_int:
    raise ValueError
""",
}
HOST = """
import ctypes
work = ctypes.CDLL("./plugin.so").work
try:
    work()
    while True:
        pass
except KeyboardInterrupt:
    print("interrupted")
print(work is not None)
"""


@pytest.mark.parametrize("place", CASES)
def test_ctrl_c_in_a_plugin_reaches_the_python_host(build_plugin, run, place):
    build_plugin(HEAD + CASES[place])
    result = run(sys.executable, "-c", HOST)
    assert result.stdout.split() == ["interrupted", "True"]
    assert "Exception ignored" not in result.stderr


def test_ctrl_c_in_a_plugin_ends_a_python_host_that_does_not_catch_it(build_plugin, run):
    build_plugin(HEAD + CASES["in a call"])
    host = 'import ctypes\nctypes.CDLL("./plugin.so").work()\nwhile True:\n    pass\n'
    result = run(sys.executable, "-c", host, status=-2)
    assert result.stderr.endswith("KeyboardInterrupt\n")


def test_epy_call_ends_with_ctrl_c(build_plugin, run):
    """Also where `epy.call` raises what a callback below raised."""
    build_plugin(
        HEAD
        + """
@epy.callback(CFUNCTYPE(c_int))
def below():
    interrupt()

host = CFUNCTYPE(c_int)(below.address)

@epy.export
def work() -> c_int:
    try:
        epy.call(host)
    except KeyboardInterrupt:
        print("raised here", flush=True)
        raise
"""
    )
    result = run(sys.executable, "-c", HOST)
    assert result.stdout.split("\n") == ["raised here", "interrupted", "True", ""]
