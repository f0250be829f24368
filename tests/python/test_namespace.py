"""dlmopen, which no sanitizer's library survives in a second namespace."""

LIMIT = 20  # seconds for a host

EXPORTS = """
import epy
from ctypes import c_int

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-2)
def one() -> c_int:
    return 1
"""


def test_a_plugin_in_a_namespace_of_its_own_is_refused(build_plugin, native, run):
    plugin = build_plugin(EXPORTS)
    calls = ["int add 2 3", "int one"]
    result = run(native("call"), f"dlmopen {plugin}", *calls, timeout=LIMIT)
    assert result.stdout.splitlines() == ["-1", "-2"]
    assert len(result.stderr.splitlines()) == 1
    assert str(plugin) in result.stderr and "dlmopen" in result.stderr
