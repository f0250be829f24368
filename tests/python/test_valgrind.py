"""valgrind finds nothing in epy's own code: no invalid access, no undefined value that matters."""

from __future__ import annotations

from pathlib import Path

# What CPython's allocator does on purpose, as Debian's python3 package lists it.
SUPPRESSIONS = Path("/usr/lib/valgrind/python3.supp")

SCRIPT = """
import epy
from ctypes import Structure, c_char_p, c_int

class Info(Structure):
    _fields_ = [("name", c_char_p), ("version", c_int)]

info = epy.export_data("info", Info(b"checked", 3))

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-1)
def fail(a: c_int, b: c_int) -> c_int:
    raise ValueError(info.name)

@epy.export("const char *echo(const char *text)")
def echo(text):
    return text + b"!"
"""


def test_valgrind_reports_nothing(build_plugin, native, run):
    assert SUPPRESSIONS.is_file(), f"{SUPPRESSIONS}: missing; tests/setup.sh installs python3"
    plugin = build_plugin(SCRIPT)
    calls = (f"open {plugin}", "int add 1000 2000", "int fail 1 2", "text echo hi", "close")
    result = run(
        *("valgrind", "--quiet", "--error-exitcode=9", f"--suppressions={SUPPRESSIONS}"),
        *(native("call"), *calls, *calls),
    )
    assert result.stdout.splitlines() == ["3000", "-1", "hi!"] * 2
    assert result.stderr.count("ValueError: b'checked'") == 2
    assert "==" not in result.stderr  # how valgrind begins its lines
