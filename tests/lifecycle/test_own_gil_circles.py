"""The start of a plugin with an interpreter of its own waits for what waits for that start."""

from __future__ import annotations

SINCE = (3, 13)
CIRCLE = """
import ctypes, threading, epy

got = []

if not epy.building:
    plugin = ctypes.CDLL(epy.plugin.path)
    thread = threading.Thread(target=lambda: got.append(plugin.one()))
    thread.start()
    thread.join()

@epy.export("int one(void)", error=-9)
def one():
    return got[0]
"""


def test_a_start_that_waits_for_a_thread_that_calls_its_plugin(build_for, host):
    """A circle, which ends with an error value: as of plugins that share the main interpreter."""
    build_for(CIRCLE, "--isolation", "own-gil")
    words = host(
        "initialize | open ./plugin.so | save | call one | restore | finalize",
        said="'one' was called by its own plugin's start before the script defined it",
    )
    assert words == ["-9", "finalized:", "0"]
