"""Python's garbage collector while a plugin starts, and as its script sets it."""

from __future__ import annotations

import gc

COLLECTOR = """
import epy, gc
from ctypes import c_int

at_import = gc.get_threshold()[0]

@epy.export
def during_the_start() -> c_int:
    return at_import

@epy.export
def afterwards() -> c_int:
    return gc.get_threshold()[0]

is_on_at_import = gc.isenabled()

@epy.export
def is_on() -> c_int:
    return is_on_at_import and gc.isenabled()

@epy.export
def never_looked_at() -> c_int:
    return gc.get_freeze_count()
"""


def test_the_collector_is_patient_while_a_plugin_starts(build_plugin, native, run):
    calls = ["int during_the_start", "int afterwards", "int never_looked_at"]
    patient, usual, frozen = map(
        int, run(native("call"), f"open {build_plugin(COLLECTOR)}", *calls).stdout.split()
    )
    assert patient == 50_000
    assert usual == gc.get_threshold()[0]
    assert frozen > 1000


def test_a_script_sets_the_collector_s_thresholds(build_plugin, native, run):
    plugin = build_plugin(COLLECTOR + "gc.set_threshold(1234)\n")
    assert run(native("call"), f"open {plugin}", "int afterwards").stdout == "1234\n"


def test_the_collector_is_on_though_python_starts_without(build_plugin, native, run):
    assert run(native("call"), f"open {build_plugin(COLLECTOR)}", "int is_on").stdout == "1\n"
