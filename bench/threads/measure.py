"""How late a Python thread wakes while threads of the host call: one contender, in this process.

measure.py FOLDER CONTENDER THREADS SECONDS prints the lateness in ms of the median, of one in a
hundred, of the worst wake-up, and the calls per second that the host's threads made meanwhile.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

import contenders

NAP = 0.001


def wake_ups(seconds: float) -> list[float]:
    """Milliseconds, in order."""
    late = []
    end = time.perf_counter() + seconds
    while (before := time.perf_counter()) < end:
        time.sleep(NAP)
        late.append(1e3 * (time.perf_counter() - before - NAP))
    return sorted(late)


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    threads, seconds = int(sys.argv[3]), float(sys.argv[4])
    add = contenders.addresses(str(folder), name)["add"]
    callers = ctypes.CDLL(str(folder / "callers.so"))
    callers.stop.restype = ctypes.c_long
    callers.start(ctypes.c_void_p(add), threads)
    late = wake_ups(seconds)
    calls = callers.stop()
    assert calls >= 0, "wrong results"
    print(late[len(late) // 2], late[len(late) * 99 // 100], late[-1], calls / seconds)


if __name__ == "__main__":
    main()
