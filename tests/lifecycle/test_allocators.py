"""A host that gives Python memory functions of its own, or its debug hooks, before it starts it."""

from __future__ import annotations

import pytest

SCRIPT = """
import epy

@epy.export("int fill(int count)", error=-1)
def fill(count):
    return len({str(number) for number in range(count)})
"""
USE = "initialize | run x = [*range(9999)] | call fill 999 | finalize"
FINE = ["999", "finalized:", "0"]
# What comes before the host's start, what is said, whether the host's functions are used.
WAYS = {
    "its own": ("call fill 9 | allocators own", "calls PyMem_SetAllocator after", "nothing"),
    "debug hooks": ("call fill 9 | allocators debug", "PyMem_SetupDebugHooks after", "nothing"),
    "around those that there are": ("call fill 9 | allocators around", "", "something"),
    "before the plugin": ("allocators own | call fill 9", "", "something"),
    "debug hooks before the plugin": ("allocators debug | call fill 9", "", "nothing"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_host_with_memory_functions_of_its_own(build_for, host, way):
    commands, said, used = WAYS[way]
    build_for(SCRIPT)
    words = host(f"open ./plugin.so | {commands} | {USE} | allocated", said)
    assert words == ["9", *FINE, used]
