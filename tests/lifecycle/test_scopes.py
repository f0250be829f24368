"""epy_enter in hosts that use Python themselves, and end it or take its lock back inside."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""
RETURNED = (
    "epy: a function that the host called returned inside of epy_enter, which was ended for it: "
    "call epy_leave before it returns"
)


@pytest.fixture
def plugin(build_for):
    build_for(SCRIPT)


@pytest.mark.parametrize("inner", ["", "enter 1 | call add 1 2 | "])
def test_the_host_takes_the_lock_back_inside(plugin, host, inner):
    """As a function does that it calls without the lock, between the macros for that."""
    answers = host(
        f"initialize 0 | open ./plugin.so | call add 0 0 | save | enter 0 | {inner}restore |"
        " check | call add 3 4 | run print(5, flush=True) | save | start call add 5 6 | join |"
        " leave_scope 0 | restore | finalize",
        RETURNED,
    )
    assert answers == ["0", *(["3"] if inner else []), "1", "7", "5", "11", "finalized:", "0"]


@pytest.mark.once("the host starts and ends a Python of its own")
def test_the_host_ends_python_inside(plugin, host, ctypes_twice):
    answers = host(
        "initialize 0 | open ./plugin.so | call add 1 2 | enter 0 | finalize | leave_scope 0 |"
        " initialize 0 | call add 3 4 | save | enter 1 | call add 5 6 | finalize |"
        " leave_scope 1 | initialize 0 | call add 7 8 | save | start call add 9 10 | join"
    )
    assert answers == ["3", "finalized:", "0", "7", "11", "finalized:", "0", "15", "19"]


@pytest.mark.parametrize("way", ["ensure | {} | release", "{}"])
def test_a_thread_of_the_host_s_ends_inside(plugin, host, way):
    """With the lock by epy_enter, or as one of the host's own."""
    in_thread = way.format("enter 0 | call add 1 2").replace("|", ";")
    answers = host(
        f"initialize 0 | open ./plugin.so | call add 0 0 | save | thread {in_thread} |"
        " start call add 3 4 | join | restore | finalize",
        "a thread ended inside of epy_enter",
    )
    assert answers == ["0", "3", "7", "finalized:", "0"]


def test_a_function_returns_inside_another_interpreter(build_for, host, kind):
    """The one that the host's call came with is current in there, and afterwards."""
    build_for(
        SCRIPT
        + """
host = epy.header("int host_found(void), host_do(const char *commands);")

@epy.export(error=-1)
def inside() -> c_int:
    host.host_do("enter 0 ; call add 1 2")
    return host.host_found()
"""
    )
    answers = host(
        f"initialize 0 | open ./plugin.so | keep main | {kind} sub | call inside | current sub |"
        " call inside | current sub | end sub | swap main | call add 3 4 | finalize",
        "returned inside of epy_enter",
    )
    assert answers == ["3", "1", "current", "3", "1", "current", "7", "finalized:", "0"]
