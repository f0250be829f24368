"""Forks on a thread that has an interpreter current with a lock (GIL) of its own."""

from __future__ import annotations

import pytest

SINCE = (3, 13)
IN_A_CALL = """
import epy
host = epy.header("int host_do(const char *commands);")

@epy.export("int who(int)", error=-1)
def who(number):
    return 100 + number

@epy.export("int forks(void)", error=-1)
def forks():
    return host.host_do(b"fork call who 5; call who 6; thread call who 7")
"""
# What such a thread does, and what is printed.
FORKS_THERE = {
    "its lock held": (
        "fork call who 2; thread call who 3; end sub; swap main; call who 4; finalize",
        "102 103 104 finalized: 0 child: 0",
    ),
    "its lock given up": (
        "save | fork call who 2; restore; call who 3; save; thread call who 4; _exit 0 | restore",
        "102 103 104 child: 0",
    ),
    "in a call": ("save | call forks | restore", "105 child: 0 106 107 0"),
    "in a call from the main interpreter": (
        "swap main | save | call forks | restore | swap sub",
        "105 child: 0 106 107 0",
    ),
}


@pytest.mark.parametrize("isolation", ["own-gil", "shared"])
@pytest.mark.parametrize("way", FORKS_THERE)
def test_a_thread_in_an_interpreter_with_its_own_lock_forks(build_for, host, way, isolation):
    """Parent and child go on with the plugin."""
    build_for(IN_A_CALL, "--isolation", isolation)
    commands, answers = FORKS_THERE[way]
    words = host(
        f"initialize | keep main | own sub | open ./plugin.so | call who 1 | {commands} | "
        "call who 8 | end sub | swap main | finalize"
    )
    assert words == ["101", *answers.split(), "108", "finalized:", "0"]
