"""A host that gives Python memory functions of its own, or its debug hooks, before it starts it."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy

@epy.export("int fill(int count)", error=-1)
def fill(count):
    return len({str(number) for number in range(count)})
"""
USE = "initialize | run x = [*range(99_999)] | call fill 999 | finalize"
FINE = ["999", "finalized:", "0"]
STAY = "calls PyMem_SetAllocator after"
ARENAS_STAY = "calls PyObject_SetArenaAllocator after"
# What comes before the host's start, what is said, whether the host's functions are used.
WAYS = {
    "its own": ("call fill 9 | allocators own", STAY, "nothing"),
    "its own after a look": ("call fill 9 | allocators get | allocators own", STAY, "nothing"),
    "its own after an early look": (
        "allocators get | call fill 9 | allocators own", STAY, "nothing",
    ),
    "debug hooks": ("call fill 9 | allocators debug", "PyMem_SetupDebugHooks after", "nothing"),
    "around those that there are": (
        "call fill 9 | allocators get | allocators around", "", "something",
    ),
    "around twice, then as they were": (
        "call fill 9 | allocators get | allocators around | allocators around | allocators back",
        "",
        "nothing",
    ),
    "with a header before each block": (
        "call fill 9 | allocators get | allocators above", STAY, "nothing",
    ),
    "around, with notes in memory of another domain": (
        "call fill 9 | allocators get | allocators noting", STAY, "nothing",
    ),
    "the same with Python's lock": (
        "call fill 9 | ensure | allocators get | allocators noting", "", "something",
    ),
    "those of another domain": (
        "call fill 9 | allocators get | allocators others", STAY, "nothing",
    ),
    "arenas of its own": ("call fill 9 | arenas own", ARENAS_STAY, "nothing"),
    "arenas around": ("call fill 9 | arenas around", "", "something"),
    "before the plugin": ("allocators own | call fill 9", "", "something"),
    "debug hooks before the plugin": ("allocators debug | call fill 9", "", "nothing"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_host_with_memory_functions_of_its_own(build_for, host, way):
    commands, said, used = WAYS[way]
    build_for(SCRIPT)
    words = host(f"open ./plugin.so | {commands} | {USE} | allocated", said)
    assert words == ["9", *FINE, used]
