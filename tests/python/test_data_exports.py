"""Exported data: complete in the file, and the same memory for the host and for Python."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[1] / "native"
SCRIPT = """
import epy
from ctypes import (
    CFUNCTYPE, POINTER, Structure, addressof, c_char, c_char_p, c_double, c_int, pointer, sizeof,
)

print("the script runs", flush=True)

class Point(Structure):
    _fields_ = [("x", c_double), ("y", c_double)]

class Descriptor(Structure):
    pass

Descriptor._fields_ = [
    ("version", c_int),
    ("name", c_char_p),
    ("add", CFUNCTYPE(c_int, c_int, c_int)),
    ("negate", CFUNCTYPE(c_int, c_int)),
    ("broken", CFUNCTYPE(c_int, c_int)),
    ("origin", POINTER(Point)),
    ("words", POINTER(c_char_p)),
    ("next", POINTER(Descriptor)),
    ("text", c_char * 8),
]

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.callback("int (*)(int)")
def negate(x):
    return -x

@epy.callback("int (*)(int)")
def negate_more(x):
    return -10 * x

@epy.callback("int (*)(int)", error=-3)
def broken(x):
    raise ValueError("on purpose")

words = (c_char_p * 3)(b"one", b"two", None)

def make(version, name, function):
    return Descriptor(
        version, name, add, function, broken, pointer(Point(version, 0.5)), words, None, b"short"
    )

descriptor, second = make(1, b"first", negate), make(2, b"other", negate_more)
descriptor.next = pointer(second)
second.next = pointer(descriptor)
descriptor = epy.export_data("descriptor", descriptor)
second = epy.export_data("second", second)
counter = epy.export_data("counter", c_int(42))

@epy.export
def python_sees() -> c_int:
    counter.value += 1
    descriptor.text = b"python"
    return descriptor.version * 1000 + counter.value
"""

POINTERS_BETWEEN = """\
next is second: 1
next is back: 1
"""
BEFORE_A_CALL = """\
first: 1 first (1, 0.5) one two short
second: 2 other (2, 0.5) one two short
counter: 42
python before a call: no
"""
THROUGH_ITS_POINTERS = """\
the script runs
negate: -5
python after a call: yes
version: 7
add: 5
next negate: -60
broken: -3
"""
SHARED_MEMORY = """\
python sees: 7101
counter after: 101
text after: python
"""


@pytest.fixture
def plugin(build_plugin) -> Path:
    return build_plugin(SCRIPT, name="libdescribed")


def test_the_host_uses_the_data_before_any_python_runs(plugin, native, run):
    """Strings, structs, other data; the first call goes through a callback without a name."""
    result = run(native("data"), plugin)
    assert result.stdout.startswith(POINTERS_BETWEEN + BEFORE_A_CALL + THROUGH_ITS_POINTERS)
    assert "epy: exception in callback 'broken'" in result.stderr
    assert result.stderr.count("epy: ") == 1


def test_host_and_python_share_the_memory(plugin, native, run):
    result = run(native("data"), plugin)
    assert result.stdout.endswith(SHARED_MEMORY)


def test_the_bytes_are_in_the_file(build_plugin, run):
    plugin = build_plugin(
        "import epy\nfrom ctypes import *\n"
        "epy.export_data('numbers', (c_int * 4)(11, 22, 33, 44))\n"
        "epy.export_data('text', b'a text in the file')\n"
    )
    symbols = run("readelf", "--dyn-syms", "--wide", plugin).stdout
    rows = {line.split()[-1]: line.split() for line in symbols.splitlines() if "OBJECT" in line}
    data = plugin.read_bytes()
    assert (rows["numbers"][2], rows["text"][2]) == ("16", str(len("a text in the file") + 1))
    segments = run("readelf", "--segments", "--wide", plugin).stdout
    loads = [line.split() for line in segments.splitlines() if line.split()[:1] == ["LOAD"]]

    def at(address: int, size: int) -> bytes:
        for _, offset, start, _, length, *_ in loads:
            distance = address - int(start, 16)
            if 0 <= distance < int(length, 16):
                return data[int(offset, 16) + distance :][:size]
        raise AssertionError(hex(address))

    assert struct.unpack("4i", at(int(rows["numbers"][1], 16), 16)) == (11, 22, 33, 44)
    assert at(int(rows["text"][1], 16), 19) == b"a text in the file\0"


def link(folder: Path, name: str) -> tuple[str, ...]:
    return (f"-L{folder}", "-Wl,--no-as-needed", f"-l{name}", f"-Wl,-rpath,{folder}")


@pytest.mark.parametrize(
    ("flags", "copies"), [("-fPIC -pie", 0), ("-fPIE -pie", 2), ("-fno-pic -no-pie", 2)]
)
def test_data_of_a_linked_plugin(plugin, compile_c, run, tmp_path, flags, copies):
    """Without -fPIC the executable has copies, made before any code of the plugin runs."""
    source = (NATIVE / "data.c").read_text()
    host = compile_c(source, "-DLINKED", *flags.split(), *link(tmp_path, "described"))
    relocations = run("readelf", "--relocs", "--wide", host).stdout.splitlines()
    names = ("descriptor", "counter")
    assert copies == sum("_COPY" in line and line.split()[4] in names for line in relocations)
    result = run(host)
    assert result.stdout == BEFORE_A_CALL + THROUGH_ITS_POINTERS + SHARED_MEMORY


COUNTER = """
import epy
from ctypes import c_int

counter = epy.export_data("counter", c_int({start}))

@epy.export
def {name}() -> c_int:
    counter.value += 1
    return counter.value
"""
OTHER_HOST = """
#include <dlfcn.h>
#include <stdio.h>
COUNTER
int count_linked(void);
int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    int (*count)(void) = (int (*)(void))dlsym(plugin, "count");
    counter = 500;
    printf("%d", count());
    printf(" %d", *(int *)dlsym(plugin, "counter"));
    printf(" %d\\n", counter);
    #ifdef LINKED
    printf("%d\\n", count_linked());
    #endif
}
"""


def test_a_variable_of_the_executable_is_not_the_plugins(build_plugin, compile_c, run):
    plugin = build_plugin(COUNTER.format(name="count", start=10))
    host = compile_c(OTHER_HOST.replace("COUNTER", "int counter;"), "-rdynamic")
    assert run(host, plugin).stdout == "11 11 500\n"


@pytest.mark.parametrize("flags", ["-fPIE -pie", "-fno-pic -no-pie"])
def test_a_copy_belongs_to_the_first_definition(build_plugin, compile_c, run, tmp_path, flags):
    """The executable's copy is of the plugin it was linked with, not of one it opens."""
    build_plugin(COUNTER.format(name="count_linked", start=1000), name="liblinked")
    plugin = build_plugin(COUNTER.format(name="count", start=10))
    source = OTHER_HOST.replace("COUNTER", "extern int counter;")
    host = compile_c(source, "-DLINKED", *flags.split(), *link(tmp_path, "linked"))
    assert run(host, plugin).stdout == "11 11 500\n501\n"


PAIR = """
import epy
from ctypes import Structure, c_char_p, c_int, c_long, CFUNCTYPE

class Pair(Structure):
    _fields_ = [("first", c_int), ("second", c_int)]

pair = epy.export_data("pair", Pair(1, 2))

@epy.export(error=-1)
def first() -> c_int:
    return pair.first
"""


def test_a_layout_other_than_the_builds_is_a_failed_start(build_plugin, native, run, tmp_path):
    plugin = build_plugin(PAIR, "--editable")
    changed = PAIR.replace('("second", c_int)', '("second", c_long)')
    (tmp_path / "plugin.py").write_text(changed)
    result = run(native("call"), f"open {plugin}", "int first", "int first")
    assert result.stdout.splitlines() == ["-1", "-1"]
    assert result.stderr.count("LayoutError: data 'pair'") == 1
    assert "`epy build`" in result.stderr


def test_other_initial_values_in_an_editable_script_are_not_written_again(
    build_plugin, native, run, tmp_path
):
    plugin = build_plugin(PAIR, "--editable")
    (tmp_path / "plugin.py").write_text(PAIR.replace("Pair(1, 2)", "Pair(100, 2)"))
    assert run(native("call"), f"open {plugin}", "int first").stdout == "1\n"


def test_data_that_points_to_memory_python_does_not_keep_is_refused(epy, tmp_path):
    script = tmp_path / "plugin.py"
    script.write_text(
        "import epy\nfrom ctypes import *\n"
        "class Holder(Structure):\n    _fields_ = [('place', c_void_p)]\n"
        "value = c_int(5)\n"
        "epy.export_data('holder', Holder(addressof(value)))\n"
    )
    result = epy("build", script, "-o", tmp_path / "plugin.so", status=2)
    assert len(result.stderr.splitlines()) == 1
    assert "Holder.place" in result.stderr
    assert not (tmp_path / "plugin.so").exists()


def test_data_registered_at_run_time_is_found(build_plugin, native, run):
    plugin = build_plugin("""
import epy, ctypes
from ctypes import c_int

@epy.export
def offer() -> c_int:
    global late
    late = epy.export_data("late", ctypes.c_int(17))
    found = ctypes.c_int.in_dll(ctypes.CDLL(epy.plugin.path), "late")
    return found.value if ctypes.addressof(found) == ctypes.addressof(late) else -1
""")
    result = run(native("call"), f"open {plugin}", "int offer", "find late")
    assert result.stdout.splitlines() == ["17", "late: yes"]
