"""A host's thread, in a call, is the first to import `threading`; then the host finalizes Python.

`threading` takes it for the main thread, and its state for one whose end is to be waited for.
"""

from __future__ import annotations

import pytest

AT_ONCE = """
import epy, threading

@epy.export("int call(void)", error=-1)
def call():
    return threading.active_count() > 0
"""
LATER = """
import epy

@epy.export("int call(void)", error=-1)
def call():
    import threading
    return threading.active_count() > 0
"""
THREADS = {
    "ended": "thread call call | restore | finalize",
    "stays": "start call call; touch called; wait over | wait called | restore | finalize | "
    "touch over | join",
}


@pytest.mark.parametrize("script", [AT_ONCE, LATER], ids=["at once", "later"])
@pytest.mark.parametrize("thread", THREADS)
def test_the_end_of_python_does_not_wait_for_it(build_for, host, thread, script):
    build_for(script)
    words = host(f"initialize | open ./plugin.so | save | {THREADS[thread]}")
    assert words == ["1", "finalized:", "0"]
