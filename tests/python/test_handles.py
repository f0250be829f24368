"""Handles: Python objects that the host holds by an opaque pointer (epy.Object)."""

from __future__ import annotations

import ctypes
import sys

import pytest

SYNTH = """
import gc
import weakref
import epy
from ctypes import c_int, c_void_p, POINTER

class Synth(epy.Object):
    def __init__(self, rate):
        self.rate = rate
        self.calls = 0

    def __del__(self):
        print("gone", self.rate)

class Sampler(Synth):
    pass

class Other(epy.Object):
    pass

seen = {}

@epy.export
def make(rate: c_int) -> Synth:
    synth = Synth(rate)
    seen[rate] = id(synth), weakref.ref(synth)
    return synth

@epy.export
def make_sampler(rate: c_int) -> Synth:
    return Sampler(rate)

@epy.export
def make_none(rate: c_int) -> Synth:
    return None

@epy.export
def make_other(rate: c_int) -> Other:
    return Other()

@epy.export
def make_wrong(rate: c_int) -> Other:
    return Synth(rate)

@epy.export
def make_cycle(rate: c_int) -> Synth:
    synth = Synth(rate)
    synth.itself = synth
    return synth

@epy.export(error=-1)
def rate(synth: Synth, _: c_int) -> c_int:
    return synth.rate if synth else -2

@epy.export(error=-1)
def count(synth: Synth, step: c_int) -> c_int:
    synth.calls += step
    return synth.calls

@epy.export(error=-1)
def is_same(synth: Synth, _: c_int) -> c_int:
    identity, reference = seen[synth.rate]
    return id(synth) == identity and reference() is synth

@epy.export(error=-1)
def collect(_: c_void_p, __: c_int) -> c_int:
    gc.collect()
    return 0

again_handed = []

@epy.export
def again(_: c_int) -> Synth:
    if not again_handed:
        again_handed.append(Synth(1))
    return again_handed[0]

@epy.export(error=-1)
def free(synth: epy.Consumed[Synth], _: c_int) -> c_int:
    return synth.rate

@epy.export(error=-1)
def free_and_fail(synth: epy.Consumed[Synth], _: c_int) -> c_int:
    raise ValueError("on purpose")

@epy.export(error=-1)
def sampler(sampler: Sampler, _: c_int) -> c_int:
    return sampler.rate

@epy.export(error=-1)
def any_object(thing: epy.Object, _: c_int) -> c_int:
    return len(type(thing).__name__)

@epy.export
def into(handle: POINTER(Synth)) -> c_int:
    handle[0] = Synth(77)
    return handle[0].rate + handle[0:1][0].rate
"""


@pytest.fixture
def host(native, run, build_plugin):
    """`host(*commands)`: lines that the host and the script printed, and what went wrong."""
    plugin = build_plugin(SYNTH, name="synth")

    def host(*commands):
        result = run(native("handles"), f"open {plugin}", *commands)
        errors = [
            line.partition("InvalidHandleError: ")[2]
            for line in result.stderr.splitlines()
            if "InvalidHandleError" in line
        ]
        return result.stdout.splitlines(), errors

    return host


@pytest.mark.once("what goes at the end is looked at")
def test_the_same_object_arrives_however_long_python_has_dropped_it(host):
    lines, errors = host(
        "make make 5", "make make 6", "call collect 0", "call is_same 0", "call is_same 1",
        "call count 0 2", "call count 1 10", "call count 0 2", "call rate 1",
    )  # fmt: skip
    assert lines == ["handle 0", "handle 1", "0", "1", "1", "2", "10", "4", "6"]
    assert errors == []


def test_an_object_in_a_cycle_lives_as_long_as_its_handle(host):
    lines, _ = host("make make_cycle 3", "call collect 0", "call rate 0", "call free 0",
                    "call collect 0")  # fmt: skip
    assert lines == ["handle 0", "0", "3", "3", "gone 3", "0"]


def test_consumed_takes_the_reference_back_and_the_pointer_is_invalid_from_then_on(host):
    lines, errors = host("make make 5", "call free 0", "call rate 0", "call free 0")
    assert lines == ["handle 0", "gone 5", "5", "-1", "-1"]
    assert len(errors) == 2
    assert all("is no live handle of Synth" in error for error in errors)


def test_consumed_takes_the_reference_back_also_if_the_function_raises(host):
    lines, errors = host("make make 5", "call free_and_fail 0", "call rate 0")
    assert lines == ["handle 0", "gone 5", "-1", "-1"]
    assert len(errors) == 1


def test_an_object_that_is_given_out_twice_has_one_address_and_two_references(host):
    lines, errors = host(
        "make again", "make again", "call free 0", "call rate 0", "call free 0", "call rate 0",
        "make again", "call rate 0",
    )  # fmt: skip
    # Once all are taken back the object, which the script keeps, gets another handle.
    assert lines[:6] == ["handle 0", "handle 0", "1", "1", "1", "-1"]
    assert lines[6] == "handle 1"
    assert lines[7] == "-1"
    assert len(errors) == 1  # the second is equal, and folded


def test_null_and_none_stand_for_each_other(host):
    lines, errors = host("make make_none", "call rate +0", "call free_and_fail +0")
    assert lines == ["NULL", "-2", "-1"]
    assert errors == []


@pytest.mark.once("what goes at the end is looked at")
@pytest.mark.parametrize("pointer", ["0x1", "0x1000", "-1", "0x7fffffffffff", "0x8000000000000000"])
def test_a_pointer_that_is_no_handle_gives_the_error_value(host, pointer):
    lines, errors = host("make make 5", f"call rate {pointer}", f"call free {pointer}")
    assert lines == ["handle 0", "-1", "-1"]
    assert len(errors) == 2


def test_an_address_inside_the_memory_of_handles_is_no_handle(build_plugin):
    plugin = ctypes.CDLL(str(build_plugin(SYNTH, name="synth")))
    plugin.make.restype = ctypes.c_void_p
    plugin.rate.argtypes = [ctypes.c_void_p, ctypes.c_int]
    handle = plugin.make(5)
    assert plugin.rate(handle, 0) == 5
    found = [plugin.rate(handle + offset, 0) for offset in range(1, 32 * 300)]
    assert set(found) == {-1}


@pytest.mark.once("what goes at the end is looked at")
def test_the_class_must_fit_and_a_subclass_does(host):
    lines, errors = host(
        "make make 5", "make make_sampler 6", "make make_other",
        "call sampler 0", "call sampler 1", "call rate 1", "call rate 2",
        "call any_object 0", "call any_object 1", "call any_object 2",
    )  # fmt: skip
    assert lines[3:] == ["-1", "6", "6", "-1", "5", "7", "5"]
    assert "is no handle of Sampler but of Synth" in errors[0]
    assert "is no handle of Synth but of Other" in errors[1]


def test_a_result_of_another_class_is_an_error(native, run, build_plugin):
    plugin = build_plugin(SYNTH, name="synth")
    result = run(native("handles"), f"open {plugin}", "make make_wrong 9")
    assert "NULL" in result.stdout
    assert "MisfitError: expected an object of Other or None" in result.stderr


def test_a_handle_leaves_through_an_out_parameter(host):
    lines, errors = host("into into", "call rate 0", "call free 0")
    assert lines == ["154", "handle 0", "77", "gone 77", "77"]
    assert errors == []


@pytest.mark.once("what goes at the end is looked at")
def test_a_stale_handle_is_told_from_4096_later_ones(host):
    lines, errors = host("make make_other", "make make 1", "call free 1", "many 4000 again free",
                         "call rate 1", "call any_object 0")  # fmt: skip
    assert lines[-2:] == ["-1", "5"]
    assert len(errors) == 1


def test_the_memory_of_handles_is_used_again(build_plugin):
    plugin = ctypes.CDLL(str(build_plugin(SYNTH, name="synth")))
    plugin.make_other.restype = ctypes.c_void_p
    plugin.again.restype = ctypes.c_void_p
    plugin.free.argtypes = [ctypes.c_void_p, ctypes.c_int]
    addresses = set()
    for _ in range(3 * 5000):
        handle = plugin.again(0)
        addresses.add(handle)
        plugin.free(handle, 0)
    assert 4096 < len(addresses) < 5000


def test_threads_may_use_one_handle_at_once(host):
    lines, errors = host("make make 1", "threads 8 500 rate 0", "call free 0")
    assert lines[:2] == ["handle 0", "4000"]
    assert errors == []


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("def f(a: c_int) -> epy.Consumed[Gain]: ...", "the result cannot be Consumed"),
        ("def f(a: epy.Consumed[int]) -> None: ...", "give a subclass of epy.Object"),
        ("def f(a: epy.Consumed) -> None: ...", "which is no C type"),
    ],
)
def test_a_wrong_declaration_is_one_line(definition, message, tmp_path, mistake):
    script = tmp_path / "script.py"
    script.write_text(
        "import epy\nfrom ctypes import c_int\nclass Gain(epy.Object): ...\n"
        f"@epy.export\n{definition}\n"
    )
    assert message in mistake("build", script)


def test_the_error_value_of_a_handle_is_an_address_and_no_object(tmp_path, build_plugin, mistake):
    text = (
        "import epy\nfrom ctypes import c_int\nclass Gain(epy.Object): ...\n"
        "@epy.export(error={})\ndef f(a: c_int) -> Gain: raise ValueError\n"
    )
    plugin = ctypes.CDLL(str(build_plugin(text.format(-1))))
    plugin.f.restype = ctypes.c_void_p
    assert plugin.f(0) == 2**64 - 1
    script = tmp_path / "script.py"
    script.write_text(text.format("Gain()"))
    assert "does not fit the result type" in mistake("build", script)


RELOAD = """
import ctypes
import gc
import time
from _ctypes import dlclose

def count():
    return sum(type(one) is type and one.__name__ == "Synth" for one in gc.get_objects())

for _ in range(3):
    plugin = ctypes.CDLL("./synth.so")
    plugin.make.restype = ctypes.c_void_p
    assert plugin.make(3) and count() == 1, count()
    dlclose(plugin._handle)  # which holds the GIL: the plugin goes in the background
    for _ in range(600):
        gc.collect()
        if not count():
            break
        time.sleep(0.1)
    assert count() == 0, count()
"""


def test_an_unloaded_plugin_leaves_none_of_its_classes_behind(run, build_plugin, tmp_path):
    build_plugin(SYNTH, name="synth")
    (tmp_path / "reload.py").write_text(RELOAD)
    assert run(sys.executable, tmp_path / "reload.py").stdout == "gone 3\n" * 3
