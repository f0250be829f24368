"""Threads of a plugin that its on_unload hooks end: the end of a host's Python waits for them."""

from __future__ import annotations

import pytest

IMPORTED_BY_THE_SCRIPT = "import threading"
SCRIPT = """
import epy
{}

stop = None

@epy.export("int start(int way)", error=-1)
def start(way):
    global stop
    import concurrent.futures, threading
    stop = threading.Event()
    if way == 0:
        threading.Thread(target=work).start()
    elif way == 1:
        threading.Timer(100_000, work).start()
        stop.set = threading.enumerate()[-1].cancel
    elif way == 2:
        concurrent.futures.ThreadPoolExecutor(1).submit(work)
    return 1

def work():
    stop.wait()

@epy.export("int number(void)", error=-1)
def number():
    return 7

@epy.on_unload
def end():
    print("hook", flush=True)
    if stop is not None:
        stop.set()
"""
THREADS = {"a function of the script": 0, "a timer": 1, "a pool": 2}
BEGINNINGS = {
    "the host first": "initialize | open ./plugin.so",
    "the plugin first": "open ./plugin.so | call start 9 | initialize",
}


@pytest.mark.parametrize("imports", ["", IMPORTED_BY_THE_SCRIPT], ids=["later", "at once"])
@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("thread", THREADS)
def test_hooks_end_them(build_for, host, thread, beginning, imports):
    build_for(SCRIPT.format(imports))
    begun = BEGINNINGS[beginning]
    words = host(f"{begun} | run import threading | call start {THREADS[thread]} | finalize")
    assert words == ["1"] * ("call" in begun) + ["1", "hook", "finalized:", "0"]


def test_threads_of_the_host_call_before_the_hooks(build_for, host):
    """What they call is there as long as Python waits for them."""
    build_for(SCRIPT.format(""))
    code = (
        "import ctypes, threading, time\\n"
        "plugin = ctypes.CDLL('./plugin.so')\\n"
        "def use():\\n"
        "    while threading.main_thread().is_alive(): time.sleep(0.01)\\n"
        "    print(plugin.number(), flush=True)\\n"
        "threading.Thread(target=use).start()\\n"
    )
    words = host(f'initialize | open ./plugin.so | call number | run exec("{code}") | finalize')
    assert words == ["7", "7", "hook", "finalized:", "0"]
