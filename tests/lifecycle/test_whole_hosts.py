"""Hosts that do several things at once which other tests do one by one, as real ones do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from waits import without_waits

pytestmark = pytest.mark.once("the host starts and ends a Python of its own")

INCLUDE = "import sysconfig; print(sysconfig.get_path('include'))"
SCRIPT = """
import threading, epy

here = threading.local()

@epy.export("int add_one(int)", error=-1)
def add_one(number):
    here.calls = getattr(here, "calls", 0) + 1
    return number + 1

@epy.export("int imports_and_starts(void)", error=-1)
def imports_and_starts():
    import array, json

    done = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    thread.join()
    return len(json.dumps(array.array("i", [3, 4]).tolist())) + len(done)

@epy.callback("int twice(int)", error=-5)
def twice(number):
    return number * 2

@epy.export("void *doubling(void)")
def doubling():
    return twice

@epy.on_unload
def leave():
    assert add_one(1) == 2
"""


@pytest.fixture
def whole_host(build_for, python, run, tmp_path) -> Callable[..., tuple[list[str], list[str]]]:
    """`whole_host("closes.c", word, ...)`: the lines that it writes, and those on stderr but
    for what tells of a busy machine."""

    def whole_host(
        source: str, *words: str, options: tuple[str, ...] = ()
    ) -> tuple[list[str], list[str]]:
        build_for(SCRIPT, *options)
        include = run(python.executable, "-I", "-c", INCLUDE).stdout.strip()
        compiler = "cc" if source.endswith(".c") else "c++"
        run(compiler, "-Wall", f"-I{include}", "-rdynamic", "-pthread", "-o", tmp_path / "host",
            Path(__file__).with_name(source), python.library,
            f"-Wl,-rpath,{python.library.parent}")  # fmt: skip
        result = run(tmp_path / "host", *words)
        return result.stdout.splitlines(), without_waits(result.stderr).splitlines()

    return whole_host


@pytest.mark.parametrize("threads", ["ended", "stay"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_three_lives_with_a_module_of_the_host_and_threads(whole_host, ctypes_twice, when, threads):
    written, said = whole_host("three_lives.cpp", "./plugin.so", when, threads)
    life = ["ping 8", "others 7", "finalized 0, wrong 0, afterwards -1 -1"]
    assert written == ["before 2"] * (when == "before") + 3 * life + ["end"]
    assert ["the host has finalized Python" in line for line in said] == 3 * [True]


@pytest.mark.parametrize("when", ["before", "after"])
def test_forty_interpreters_on_four_threads(whole_host, kind, when):
    written, said = whole_host("forty_interpreters.cpp", "./plugin.so", kind, when)
    assert written == ["before 2"] * (when == "before") + ["wrong 0", "finalized 0", "end"]
    assert said == []


EACH_WAY = """
import of_host, atexit, gc, threading

for i in range(20):
    of_host.open()
    assert of_host.call() == 2
    (of_host.close if i % 2 else of_host.close_without_lock)()

class Dropped:
    def __del__(self):
        assert of_host.call() == expected
        of_host.close()

expected = 2
of_host.open()
assert of_host.call() == 2
circle = Dropped()
circle.itself = circle
del circle
gc.collect()

def life():
    of_host.open()
    assert of_host.call() == 2
    of_host.close()

for i in range(5):
    thread = threading.Thread(target=life)
    thread.start()
    thread.join()
of_host.open()
assert of_host.call() == 2
"""
LAST_CLOSES = {
    "an exit function": "atexit.register(of_host.close)",
    "a destructor when Python is gone": "expected = -1; kept = Dropped()",
    "a thread that Python waits for": (
        "atexit.register(print, 'waited', flush=True)\n"
        "threading.Thread(target=lambda: (threading.main_thread().join(), of_host.close())).start()"
    ),
}


@pytest.mark.parametrize("isolation", ["none", "own-gil"])
@pytest.mark.parametrize("last", LAST_CLOSES)
def test_python_code_of_the_host_closes_the_plugin(whole_host, python, last, isolation):
    if isolation == "own-gil" and python.version < (3, 13):
        return
    options = ("--isolation", isolation) if isolation != "none" else ()
    written, said = whole_host("closes.c", EACH_WAY + LAST_CLOSES[last], options=options)
    waited = ["waited"] * (last == "a thread that Python waits for")
    assert written == ["ran 0", *waited, "finalized 0", "end"]
    assert len(said) == (last == "a destructor when Python is gone")
