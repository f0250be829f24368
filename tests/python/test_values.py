"""Values between C and Python: every scalar type, errors, callbacks."""

from __future__ import annotations

import ctypes
import math
import re
import sys

import pytest

TYPES = {
    **{name: f"c_{name}" for name in ("bool", "byte", "ubyte", "short", "ushort", "int", "uint")},
    **{name: f"c_{name}" for name in ("long", "ulong", "longlong", "ulonglong", "float", "double")},
    "char": "c_char",
    "wchar": "c_wchar",
    "pointer": "c_void_p",
    "text": "c_char_p",
    "wtext": "c_wchar_p",
}
INTEGERS = ["byte", "ubyte", "short", "ushort", "int", "uint", "long", "ulong"]
INTEGERS += ["longlong", "ulonglong"]
LIMITS = """
import ctypes
import epy
from ctypes import CFUNCTYPE, c_char_p

for name, type_name in {types!r}.items():
    ctype = getattr(ctypes, type_name)

    @epy.export(CFUNCTYPE(ctype, ctype), name="echo_" + name)
    def echo(value):
        return value

    @epy.export(CFUNCTYPE(c_char_p, ctype), name="text_" + name)
    def text(value):
        return ascii(value).encode()
"""


def limits_of(name: str) -> list[int]:
    """The values that tests/native/values.c has for an integer type."""
    size = 8 * ctypes.sizeof(getattr(ctypes, TYPES[name]))
    unsigned = name.startswith("u")
    return [0, 2**size - 1] if unsigned else [-(2 ** (size - 1)), -1, 0, 2 ** (size - 1) - 1]


@pytest.fixture
def limits(build_plugin, native, run) -> dict[str, list[str]]:
    """By type: how Python saw each extreme value, and what C got back."""
    plugin = build_plugin(LIMITS.format(types=TYPES))
    result = run(native("values"), plugin, "limits")
    assert result.stderr == ""
    found: dict[str, list[str]] = {name: [] for name in TYPES}
    for line in result.stdout.splitlines():
        name, _, rest = line.partition(": ")
        found[name].append(rest)
    return found


def test_every_scalar_type_keeps_its_extreme_values(limits):
    for name in INTEGERS:
        assert limits[name] == [f"{value} {value}" for value in limits_of(name)], name
    assert limits["bool"] == ["False 0", "True 1"]
    assert limits["char"] == ["b'A' 65", r"b'\x00' 0", r"b'\xff' -1"]
    assert limits["wchar"] == ["'A' 65", r"'\x00' 0", r"'\U0001f40d' 128013"]
    top = 2**64 - 1
    assert limits["pointer"] == ["None (nil)", "1 0x1", f"{top} {top:#x}"]
    assert limits["text"] == ["b'plain' plain", "b'' ", "b'\\xc3\\xa9\\xff' \u00e9\ufffd"]
    assert limits["wtext"] == ["'plain' plain", "'' "]


def test_floating_point_numbers_keep_every_bit(limits):
    seen = {}
    for name in ("float", "double"):
        pairs = [line.split() for line in limits[name]]
        seen[name] = [float(python) for python, _ in pairs]
        for python, c in pairs:
            in_c = ctypes.c_float(float(c)).value if name == "float" else float(c)
            assert float(python) == in_c or (math.isnan(float(python)) and math.isnan(in_c))
    biggest = (2 - 2**-23) * 2.0**127
    assert seen["float"] == [-biggest, 2.0**-149, 0.5, biggest, math.inf]
    largest = sys.float_info.max
    assert seen["double"][:5] == [-largest, 5e-324, 0.1, largest, -math.inf]
    assert math.isnan(seen["double"][5])


ERRORS = """
import ctypes
import epy
from ctypes import CFUNCTYPE

ERROR = {{"char": b"e", "wchar": "e", "text": b"error", "wtext": "error", "bool": True}}

# One above the range, one below; for others, what Python might give instead.
OUTSIDE = {{"char": (256, -1), "wchar": ("too long", ""), "pointer": (1 << 64, -(1 << 63) - 1)}}
OUTSIDE |= {{"float": (3.5e38, -3.5e38), "double": (1 << 1024, -(1 << 1024))}}
OUTSIDE |= {{"text": ("with a \\0", 1.5), "wtext": (b"bytes", 1.5)}}

class Unfit:
    def fail(self):
        raise LookupError("in a special method")

    __bool__ = __index__ = __float__ = __repr__ = fail

class Wrong:
    def __repr__(self):
        raise LookupError("in __repr__")

    def __bool__(self):
        return "neither"

for name, type_name in {types!r}.items():
    ctype = getattr(ctypes, type_name)
    error = ERROR.get(name, 77)
    prototype = CFUNCTYPE(ctype)
    bits = 8 * ctypes.sizeof(ctype)
    unsigned = name[0] == "u"
    over, under = OUTSIDE.get(
        name, (1 << (bits if unsigned else bits - 1), -1 if unsigned else -(1 << (bits - 1)) - 1)
    )
    if name == "bool":
        over = under = Unfit()  # there is no number that is neither true nor false

    @epy.export(prototype, name="fail_" + name, error=error)
    def fail():
        raise ValueError("on purpose")

    for way, value in dict(over=over, under=under, wrong=Wrong()).items():
        @epy.export(prototype, name=way + "_" + name, error=error)
        def give(value=value):
            return value

    @epy.export(prototype, name="raise_" + name, error=error)
    def special_method():
        return Unfit()
"""
WAYS = ["fail", "over", "under", "wrong", "raise"]


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_the_host_gets_the_error_value_when_python_cannot_give_a_result(build_plugin, native, run):
    """On an exception; on a result out of range, of another type, with methods that raise."""
    plugin = build_plugin(ERRORS.format(types=TYPES))
    result = run(native("values"), plugin, "errors")
    shown = dict.fromkeys(TYPES, "77") | {"bool": "1", "char": "101", "wchar": "101"}
    shown |= {"pointer": "0x4d", "text": "error", "wtext": "error"}
    expected = {name: [value] * len(WAYS) for name, value in shown.items()}
    assert {
        name: rest.split() for name, rest in re.findall(r"(\w+): (.*)", result.stdout)
    } == expected


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_each_failed_call_is_reported_once(build_plugin, native, run):
    plugin = build_plugin(ERRORS.format(types=TYPES))
    result = run(native("values"), plugin, "errors")
    reports = re.findall(r"^epy: exception in export '(\w+)' of (.*), thread", result.stderr, re.M)
    assert [name for name, _ in reports] == [f"{way}_{name}" for name in TYPES for way in WAYS]
    assert {path for _, path in reports} == {str(plugin)}
    assert result.stderr.count("ValueError: on purpose") == len(TYPES)
    assert 'in fail\n    raise ValueError("on purpose")' in result.stderr


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_a_result_that_does_not_convert_is_named(build_plugin, native, run):
    plugin = build_plugin(ERRORS.format(types=TYPES))
    text = run(native("values"), plugin, "errors").stderr
    found = dict(re.findall(r"export '(\w+)' .*(?:\n .*|\nTrace.*)*\n([\w.]+: .*)", text))
    limits = "from -128 to 127, or declare a wider type"
    assert found["over_byte"] == (
        f"epy._errors.RangeError: 128 does not fit the C type signed char: give one {limits}"
    )
    either_way = "give one up to 3.4e38 either way, or declare a double"
    assert found["over_float"] == (
        f"epy._errors.RangeError: 3.5e+38 does not fit the C type float: {either_way}"
    )
    assert "-1 does not fit the C type unsigned int: give one from 0 to" in found["under_uint"]
    assert "does not fit the C type double: give one up to 1.8e308" in found["over_double"]
    assert found["raise_int"] == "LookupError: in a special method"
    assert found["raise_float"] == "LookupError: in a special method"
    other = ": give one, or declare another C type"
    wrong = "epy._errors.MisfitError: expected"
    assert found["wrong_int"] == f"{wrong} an int, got an instance of Wrong{other}"
    # CPython's own words, others since 3.15.
    assert re.search(r"TypeError: .*__bool__.* return (a )?bool\b", found["wrong_bool"])
    assert found["wrong_double"] == f"{wrong} a float, got an instance of Wrong{other}"
    assert found["under_wchar"] == f"{wrong} a str of length 1, got ''{other}"
    assert found["over_wtext"] == f"{wrong} str, a pointer or None, got b'bytes'{other}"


def test_without_a_declared_error_value_the_host_gets_zero(build_plugin, native, run):
    plugin = build_plugin("""
import epy
from ctypes import c_int, c_double, c_char_p

@epy.export
def fail() -> c_int:
    raise ValueError

@epy.export
def fail_text(text: c_char_p) -> c_char_p:
    raise ValueError

@epy.export
def fail_double(a: c_double, b: c_double) -> c_double:
    raise ValueError
""")
    calls = ["int fail", "text fail_text", "double fail_double 1 2"]
    result = run(native("call"), f"open {plugin}", *calls)
    assert result.stdout.splitlines() == ["0", "NULL", "0"]


MIXED = """
import epy
from ctypes import *

@epy.export(CFUNCTYPE(
    c_char_p, c_char, c_byte, c_ubyte, c_short, c_ushort, c_int, c_uint, c_long, c_ulong, c_float,
    c_double, c_bool, c_char_p, c_void_p, c_wchar, c_float, c_double, c_float, c_longlong, c_int,
))
def mixed_arguments(*values):
    return ascii(values).encode()

@epy.export(CFUNCTYPE(c_double, *[c_double] * 12))
def sum_doubles(*values):
    assert values == tuple(2.0**i for i in range(12))
    return sum(values)
"""


def test_twenty_mixed_arguments_reach_python(build_plugin, native, run):
    result = run(native("values"), build_plugin(MIXED), "mixed")
    expected = (
        *(b"c", -1, 255, -2, 65535, -3, 2**32 - 1, -4, 2**64 - 1, 0.5, 0.25, True, b"text", 14),
        *("w", 1.5, 2.5, -3.5, -(2**63), -20),
    )
    assert result.stdout.splitlines() == [str(expected), "4095"]


TABLE = """
import epy
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_void_p

class Table(Structure):
    _fields_ = [
        ("scale", CFUNCTYPE(c_int, c_int, c_int)),
        ("notify", CFUNCTYPE(None, c_char_p, c_void_p)),
        ("context", c_void_p),
    ]

kept = []

@epy.export("void fill(Table *table)")
def fill(table):
    @epy.callback("int (*)(int, int)", error=-5)
    def scale(value, factor):
        return value * factor

    @epy.callback("void (*)(const char *, void *)")
    def notify(text, context):
        print("notified", text, context, flush=True)

    kept.extend([scale, notify])
    table.contents.scale = scale
    table.contents.notify = notify
    table.contents.context = 99
"""


def test_callbacks_stored_in_a_struct_are_called_afterwards(build_plugin, native, run):
    result = run(native("callbacks"), build_plugin(TABLE))
    assert result.stdout.splitlines() == ["scale: 42", "notified b'hello' 99"]
    assert result.stderr == ""


def test_a_dropped_callback_gives_its_error_value_and_says_so_once(build_plugin, native, run):
    plugin = build_plugin(TABLE + "\n@epy.export('void drop(void)')\ndef drop(): kept.clear()\n")
    result = run(native("callbacks"), plugin)
    assert result.stdout.splitlines()[2:] == ["dropped: -5", "dropped: -5"]
    assert len(result.stderr.splitlines()) == 1
    assert "epy: callback 'scale' was called after it was dropped" in result.stderr


APPLY = """
import epy
from ctypes import CFUNCTYPE, c_int

Function = CFUNCTYPE(c_int, c_int)

@epy.export("int apply(Function f, int x)", error=-1)
def apply(function, x):
    return function(x) * 2
"""


def test_a_plugin_calls_the_function_that_the_host_passes(build_plugin, native, run):
    result = run(native("callbacks"), build_plugin(APPLY))
    assert result.stdout.splitlines() == ["apply: 22"]


def test_host_to_plugin_to_host_to_another_plugin(build_plugin, native, run):
    one = build_plugin(APPLY, name="one")
    two = build_plugin(
        "import epy\n@epy.export('int in_other(int x)')\ndef in_other(x): return x * 1000\n",
        name="two",
    )
    result = run(native("callbacks"), one, two)
    assert (result.stdout, result.stderr) == ("apply: 20002\n", "")


def test_an_exception_in_a_nested_plugin_stays_there(build_plugin, native, run):
    one = build_plugin(APPLY, name="one")
    two = build_plugin(
        "import epy\n@epy.export('int in_other(int x)', error=-7)\n"
        "def in_other(x): return 1 // 0\n",
        name="two",
    )
    result = run(native("callbacks"), one, two)
    assert result.stdout == "apply: -12\n"
    assert result.stderr.count("epy: exception in") == 1
    assert f"export 'in_other' of {two}" in result.stderr


def test_a_callback_does_not_change_errno(build_plugin, native, run):
    plugin = build_plugin("""
import epy, os
from ctypes import c_int

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    try:
        os.stat("/no/such/file")
    except OSError:
        return a + b
""")
    calls = ["errno 11 int add 1 2", "errno 12 int add 3 4"]
    result = run(native("call"), f"open {plugin}", *calls)
    assert result.stdout.splitlines() == ["3", "errno 11", "7", "errno 12"]


def test_a_returned_text_stays_until_the_next_call_of_that_function(build_plugin, native, run):
    plugin = build_plugin("""
import epy

@epy.export("const char *greet(const char *name)")
def greet(name):
    return b"Hello, " + name + b"! " * 100
""")
    result = run(native("call"), f"open {plugin}", "text greet you", "text greet me")
    assert result.stdout.splitlines() == [f"Hello, you{'! ' * 100}", f"Hello, me{'! ' * 100}"]


def test_an_export_called_from_python_runs_the_function_itself(build_plugin, native, run):
    plugin = build_plugin("""
import epy
from ctypes import c_int

@epy.export
def half(a: c_int) -> c_int:
    return a / 2

@epy.export
def check() -> c_int:
    return half(3) == 1.5 and half.__name__ == "half" and half.__wrapped__(1) == 0.5
""")
    assert run(native("call"), f"open {plugin}", "int check").stdout == "1\n"


TRAPPING_HOST = """
#include <dlfcn.h>
#include <stdio.h>
#include <xmmintrin.h>

int main(int argc, char **argv) {
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW);
    double (*nothing)(double) = (double (*)(double))dlsym(plugin, "nothing");
    unsigned short control = 0x0340; // every x87 exception traps
    _mm_setcsr(0x1900);              // as Free Pascal has it
    __asm__ volatile("fldcw %0" : : "m"(control));
    for (int i = 0; i < 2; i++) {
        double result = nothing(1e308);
        unsigned short after = 0;
        __asm__ volatile("fnstcw %0" : "=m"(after));
        printf("%d %x %x\\n", result != result, _mm_getcsr() & ~0x3f, after);
    }
}
"""


def test_a_host_with_floating_point_traps_survives_infinities(build_plugin, compile_c, run):
    plugin = build_plugin(
        "import epy\n\n@epy.export('double nothing(double x)')\n"
        "def nothing(x): return (x * 10) - (x * 10)\n"
    )
    result = run(compile_c(TRAPPING_HOST, "-ldl"), plugin)
    assert result.stdout == "1 1900 340\n" * 2
    assert result.stderr == ""
