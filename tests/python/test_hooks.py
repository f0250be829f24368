"""`epy.error_hook`: whose errors it gets, and until when."""

import sys

HOOK = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def %(name)s(x: c_int) -> c_int:
    if x == 1:
        epy.error_hook = lambda report: print("%(name)s hears", report.exception, flush=True)
    elif x == 2:
        del epy.error_hook
    elif x == 3:
        return epy.error_hook is epy.print_report
    else:
        raise ValueError("of %(name)s")
    return x
"""


def plugins(build_plugin, *names):
    return [f"open {build_plugin(HOOK % {'name': name}, name=name)}" for name in names]


def test_a_hook_gets_the_errors_of_the_plugin_that_set_it_alone(build_plugin, native, run):
    opened = plugins(build_plugin, "one", "two")
    result = run(native("call"), *opened, "int 0:one 1", "int 0:one 0", "int two 0")
    assert result.stdout.split("\n") == ["1", "one hears of one", "-1", "-1", ""]
    assert result.stderr.count("ValueError: of") == 1
    assert "ValueError: of two" in result.stderr


def test_each_plugin_has_its_own_hook_and_may_take_it_back(build_plugin, native, run):
    opened = plugins(build_plugin, "one", "two")
    calls = ["int 0:one 1", "int two 1", "int 0:one 0", "int two 0", "int 0:one 2", "int 0:one 0"]
    result = run(native("call"), *opened, *calls, "int two 0")
    heard = [line for line in result.stdout.split("\n") if "hears" in line]
    assert heard == ["one hears of one", "two hears of two", "two hears of two"]
    assert result.stderr.count("ValueError: of") == 1


def test_a_hook_goes_with_its_plugin(build_plugin, native, run):
    opened = plugins(build_plugin, "one", "two")
    result = run(native("call"), *opened, "int 0:one 1", "close 0", "int two 0")
    assert result.stdout.split() == ["1", "-1"]
    assert "ValueError: of two" in result.stderr


def test_a_plugin_that_is_loaded_again_has_no_hook(build_plugin, native, run):
    (opened,) = plugins(build_plugin, "one")
    result = run(native("call"), opened, "int one 1", "close", opened, "int one 3", "int one 0")
    assert result.stdout.split() == ["1", "1", "-1"]
    assert "ValueError: of one" in result.stderr


def test_the_hook_of_a_python_host_is_for_plugins_without_their_own(build_plugin, run):
    plugins(build_plugin, "one", "two")
    host = """
import ctypes, epy
one, two = ctypes.CDLL("./one.so").one, ctypes.CDLL("./two.so").two
epy.error_hook = lambda report: print("the host hears", report.exception)
hook = epy.error_hook
one(1), one(0), two(0), one(2), one(0)
assert epy.error_hook is hook and not two(3)
del epy.error_hook
assert epy.error_hook is epy.print_report and two(3)
two(0)
"""
    result = run(sys.executable, "-c", host)
    assert result.stdout.split("\n") == [
        *("one hears of one", "the host hears of two", "the host hears of one", "")
    ]
    assert result.stderr.count("ValueError: of two") == 1


def test_a_thread_of_the_script_sets_the_hook_of_its_plugin(build_plugin, native, run):
    script = (
        HOOK % {"name": "one"}
        + """
import threading

def listen():
    epy.error_hook = lambda report: print("the thread hears", report.exception, flush=True)

@epy.on_load
def start():
    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
"""
    )
    opened = [f"open {build_plugin(script, name='one')}", *plugins(build_plugin, "two")]
    result = run(native("call"), *opened, "int 0:one 0", "int two 0")
    assert result.stdout.split("\n") == ["the thread hears of one", "-1", "-1", ""]
    assert "ValueError: of two" in result.stderr
