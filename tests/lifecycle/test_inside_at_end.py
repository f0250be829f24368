"""Threads that are inside a plugin while a host finalizes Python."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.once("the host starts and ends a Python of its own")

REPORTS = r"""
import epy, os, time
from ctypes import CFUNCTYPE, c_int, cast

class Slow(Exception):
    asked = 0

    def __str__(self):
        Slow.asked += 1
        while Slow.asked == stops_at:
            open("inside", "w").close()
            time.sleep(0.01)
        return "slow"

stops_at = 0

@epy.export(error=-1)
def fails(number: c_int) -> c_int:
    global stops_at
    stops_at = number
    raise Slow

@epy.callback(CFUNCTYPE(c_int), error=-2)
def inner():
    raise Slow

@epy.export(error=-1)
def records(number: c_int) -> c_int:
    global stops_at
    stops_at = number
    return epy.call(cast(inner.address, CFUNCTYPE(c_int)))
"""


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("function", ["fails", "records"])
def test_a_thread_is_stopped_in_the_text_of_its_exception(build_for, host, function, number):
    """Of the report, and of what `epy_last_error` gives."""
    build_for(REPORTS)
    words = host(
        f"initialize | open ./plugin.so | save | start call {function} {number} | wait inside | "
        "restore | finalize"
    )
    assert words == ["finalized:", "0"]
