"""Threads of a script, and work that its thread pools have left, when the process exits.

In a Python that epy has started. A host's own: test_waited_for.py.
"""

from __future__ import annotations

import pytest

SCRIPT = r"""
import atexit, concurrent.futures, ctypes, epy, threading, time

pool = concurrent.futures.ThreadPoolExecutor(1)
stop = threading.Event()
epy.on_unload(lambda: (print("hook", flush=True), stop.set()))
atexit.register(print, "exit", flush=True)

def work(number):
    stop.wait()
    print("work", number, flush=True)

@epy.export("int pooled(void)", error=-1)
def pooled():
    for number in range(3):
        pool.submit(work, number)
    return 1

@epy.export("int threaded(void)", error=-1)
def threaded():
    threading.Thread(target=work, args=(0,)).start()
    return 1

@epy.export("int stays(void)", error=-1)
def stays():
    threading.Thread(target=time.sleep, args=(1000,), name="sleeper").start()
    return 1

@epy.export("int daemonic(void)", error=-1)
def daemonic():
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return 1

@epy.export("int leaves(void)", error=-1)
def leaves():
    thread = threading.Thread(target=ctypes.CDLL(None).exit, args=(7,))
    thread.start()
    thread.join()
"""
WAITED = (
    "epy: exit: has waited 2 s for threads of Python's ({}), which end with the process: let "
    "on_unload end them\n"
)
ENDS = {
    "pooled": (0, ["work 0", "work 1", "work 2"], ""),
    "threaded": (0, ["work 0"], ""),
    "stays": (0, [], WAITED.format("sleeper")),
    "daemonic": (0, [], ""),
    "leaves": (7, [], ""),
}


@pytest.mark.once("the process's exit is looked at")
@pytest.mark.parametrize("end", ENDS)
def test_they_are_waited_for_a_while(build_plugin, native, run, end):
    """Hooks, which tell them to end, are before; exit functions are behind, in any case."""
    status, words, said = ENDS[end]
    plugin = build_plugin(SCRIPT)
    result = run(native("exits"), "open", plugin, "call", end, status=status)
    lines = [line for line in result.stdout.splitlines() if not line.startswith(end)]
    assert (lines, result.stderr) == (["hook", *words, "exit"], said)
