"""The storm in python3 itself: `host.py ROUNDS [FIRST]`, each in a process of its own.

Threads of Python load and call plugins, with and without the lock, and import, beside it.
"""

import ctypes
import importlib
import os
import signal
import sys
import threading

LIMIT = 500  # seconds, for a hang
MODULES = "csv decimal sqlite3".split()


def load_and_import(library, random):
    for name in MODULES:
        library.storm_steps(random, 3)
        importlib.import_module(name)
        random = random * 7 % 10_007


def run_round(random):
    signal.alarm(LIMIT)
    beside = [
        threading.Thread(target=load_and_import, args=(loaded("./storm.so"), random + i))
        for i, loaded in enumerate((ctypes.CDLL, ctypes.PyDLL))
    ]
    for thread in beside:
        thread.start()
    ctypes.CDLL("./storm.so").storm(random)
    for thread in beside:
        thread.join()


def main(rounds, first=1):
    for random in range(first, first + rounds):
        child = os.fork()
        if child == 0:
            run_round(random)
            sys.exit(0)
        status = os.waitpid(child, 0)[1]
        if status != 0:
            sys.exit(f"round {random}: status {status:#x}")


main(*map(int, sys.argv[1:]))
