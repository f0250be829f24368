"""The GIL and the dynamic loader's lock: no thread waits for the one while it keeps the other."""

from __future__ import annotations

import sys

import plugin_scripts
import pytest

COUNTER = (
    plugin_scripts.COUNTER
    + r"""
import builtins, sys

@epy.on_unload
def say_goodbye():
    sys.stdout.write(f"unloaded at {count}\n")
    sys.stdout.flush()
    builtins.plugin_is_gone = True
"""
)


def test_a_thread_that_holds_the_gil_waits_for_another_s_first_call(build_plugin, run):
    """It gives the GIL up also while the other has not found out yet which Python runs here."""
    plugin = build_plugin(COUNTER)
    host = f"""
import ctypes, sys, threading, time
free, held = ctypes.CDLL({str(plugin)!r}), ctypes.PyDLL({str(plugin)!r})
free.count_up, held.count_up
sys.setswitchinterval(1e-4)
thread = threading.Thread(target=free.count_up)
thread.start()
end = time.perf_counter() + float(sys.argv[1])
while time.perf_counter() < end: pass
held.count_up()
thread.join()
"""
    for i in range(40):
        result = run(sys.executable, "-c", host, f"{i % 9 * 1e-4 + 5e-5}")
        assert (result.stdout, result.stderr) == ("unloaded at 2\n", "")


def test_a_python_host_closes_a_plugin_while_it_holds_the_gil(build_plugin, run):
    """dlclose does not wait: what is to be done needs the GIL."""
    plugin = build_plugin(COUNTER)
    host = f"""
import builtins, ctypes, _ctypes, sys, time
sys.setswitchinterval(100)
library = ctypes.CDLL({str(plugin)!r})
print(library.count_up(), flush=True)
_ctypes.dlclose(library._handle)
print("waited" if hasattr(builtins, "plugin_is_gone") else "went on", flush=True)
while not hasattr(builtins, "plugin_is_gone"):
    time.sleep(0.01)
"""
    result = run(sys.executable, "-c", host)
    assert sorted(result.stdout.splitlines()) == ["1", "unloaded at 1", "went on"]
    assert result.stderr == ""


def test_hooks_run_also_if_a_python_host_exits_after_it_closed_the_plugin(build_plugin, run):
    plugin = build_plugin(COUNTER)
    host = f"""
import ctypes, _ctypes
library = ctypes.CDLL({str(plugin)!r})
library.count_up()
_ctypes.dlclose(library._handle)
"""
    for _ in range(10):
        result = run(sys.executable, "-c", host)
        assert (result.stdout, result.stderr) == ("unloaded at 1\n", "")


def test_a_python_host_closes_plugins_with_the_gil_while_a_thread_imports(build_plugin, run):
    plugin = build_plugin(COUNTER)
    host = f"""
import ctypes, importlib, sys, threading
holding = ctypes.PyDLL(None)
holding.dlclose.argtypes = [ctypes.c_void_p]
stop = False
def imports():
    while not stop:
        for name in ("_ssl", "_sqlite3", "_decimal"):
            sys.modules.pop(name, None)
            importlib.import_module(name)
thread = threading.Thread(target=imports, daemon=True)
thread.start()
for i in range(10):
    plugin = ctypes.CDLL({str(plugin)!r})
    plugin.count_up()
    holding.dlclose(plugin._handle)
stop = True
thread.join()
"""
    assert run(sys.executable, "-c", host).stdout == "unloaded at 1\n" * 10


def test_exit_with_the_gil_does_not_wait_for_it_to_come_back(build_plugin, native, run):
    plugin = build_plugin("""
import atexit, ctypes, epy, threading
from ctypes import c_int

libc = ctypes.PyDLL(None)  # keeps the GIL during its calls
over = threading.Event()

def keep_the_gil():
    over.wait()
    libc.sleep(100_000)

@epy.export
def leave() -> c_int:
    threading.Thread(target=keep_the_gil, daemon=True).start()
    atexit.register(over.set)  # the last one
    libc.exit(5)
""")
    result = run(native("call"), f"open {plugin}", "int leave", status=5)
    assert result.stderr == ""


@pytest.mark.once("ends later than the round")
def test_a_late_hook_calls_its_own_plugin_s_export(build_plugin, native, run, tmp_path):
    """By its address, when the plugin's image is gone: the address outlives it."""
    plugin = build_plugin("""
import epy, time
from ctypes import CFUNCTYPE, c_int

@epy.export(error=-1)
def twice(n: c_int) -> c_int:
    return 2 * n

native = CFUNCTYPE(c_int, c_int)(twice.address)

@epy.on_unload
def bye():
    time.sleep(2.5)
    print("late:", native(3), flush=True)
    open("over", "w").close()
""")
    result = run(native("call"), f"open {plugin}", "int twice 1", "close", "await over")
    assert result.stdout == "2\nlate: 6\n"
    assert "on_unload did not finish within 2 s" in result.stderr


def test_an_export_s_address_gives_the_error_value_after_the_unload(build_plugin, native, run):
    plugin = build_plugin("""
import builtins, epy
from ctypes import CFUNCTYPE, c_int

@epy.export(error=-1)
def twice(n: c_int) -> c_int:
    return 2 * n

builtins.native = CFUNCTYPE(c_int, c_int)(twice.address)
""")
    other = build_plugin(
        "import builtins, epy\n"
        "@epy.export('int late(int n)', error=-5)\n"
        "def late(n): return builtins.native(n)\n",
        name="other",
    )
    calls = ["open " + str(plugin), "int twice 4", "close", f"open {other}", "int late 4"]
    result = run(native("call"), *calls)
    assert result.stdout.splitlines() == ["8", "-1"]
    assert "was called after it was dropped" in result.stderr
