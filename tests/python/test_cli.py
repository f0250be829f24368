"""The command line: what each command does, and the one line that a mistake gets."""

import json
import random
import sys

import pytest

import epy as package
from epy._command import inspect, python

SCRIPT = '''
import epy
from ctypes import *

class Info(Structure):
    _fields_ = [("count", c_int), ("function", CFUNCTYPE(c_int))]

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    """Sum."""
    return a + b

@epy.export("int fails(int x)", error=-7)
def fails(x):
    raise ValueError(f"got {x}")

@epy.export("char *greet(char *name)")
def greet(name):
    greet.kept = b"hello " + (b"nobody" if name is None else name)
    return greet.kept

@epy.export("void nothing(void)")
def nothing():
    pass

@epy.export("double half(double x)")
def half(x):
    return x / 2

@epy.export("bool negated(bool x)")
def negated(x):
    return not x

@epy.export("void *same(void *p)")
def same(p):
    return p

@epy.export("unsigned char byte(unsigned char x)")
def byte(x):
    return x

@epy.export("double complex times(double complex a, long double b)")
def times(a, b):
    return a * b

@epy.export
def upper(text: epy.c_str) -> epy.c_str:
    return text.upper()

@epy.export("Info by_value(Info info)")
def by_value(info):
    return info

@epy.callback("int (*)(void)")
def hidden():
    return 1

epy.export_data("info", Info(3, cast(hidden, CFUNCTYPE(c_int))))
epy.export_address("absolute", CDLL(None).abs)
'''


@pytest.fixture
def plugin(build_plugin):
    return build_plugin(SCRIPT)


# ---- help


def test_help_teaches(epy):
    for arguments in ((), ("--help",)):
        shown = epy(*arguments).stdout
        assert "@epy.export" in shown
        for command in ("build", "inspect", "call", "stub"):
            assert f"\n    {command} " in shown


def test_version(epy):
    assert epy("--version").stdout == f"epy {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-o", "gain.h"), "-o is for --pyi"),
        (("--header", "gain.h", "-o", "gain.txt"), "-o is for --pyi"),
        (("--pyi",), "name one plugin, or a header"),
    ],
)
def test_inspect_takes_no_option_that_it_would_not_heed(mistake, plugin, arguments, told):
    assert told in mistake("inspect", plugin, *arguments)


@pytest.mark.parametrize("arguments", [("build",), ("nonsense",), ("build", "a.py", "b.py")])
def test_wrong_usage_is_one_line(mistake, arguments):
    assert "--help" in mistake(*arguments)


# ---- inspect


def test_inspect_json(epy, plugin, tmp_path):
    found = json.loads(epy("inspect", plugin, "--json").stdout)
    assert found["mode"] == "lazy"
    assert found["kind"] == "module"
    assert found["source"] == f"{tmp_path}/plugin.py"
    assert found["soname"] == "plugin.so"
    assert found["bytes"] == plugin.stat().st_size
    assert found["epy"] == package.__version__
    assert found["loader"] == {"path": str(python.PACKAGE / "libepy.so"), "exists": True}
    assert found["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert found["python"]["executable"]["path"] == sys.executable
    functions = {item["name"]: item for item in found["functions"]}
    assert functions["add"]["signature"] == "int add(int a, int b)"
    assert functions["fails"]["error"] == "-7"
    assert functions["absolute"]["codes"] is None
    assert [item["slot"] for item in found["functions"]] == list(range(12))
    (data,) = found["data"]
    assert (data["name"], data["size"], data["signature"]) == ("info", 16, "struct Info info")
    assert found["unnamed_slots"] == [12]
    assert found["slots"] == {"used": 13, "capacity": 1024}


def test_inspect_for_people(epy, plugin):
    shown = epy("inspect", plugin).stdout
    assert "lazy plugin" in shown
    assert "\n  int add(int a, int b)\n" in shown
    assert "error -7\n" in shown
    assert "struct Info info" in shown and "16 bytes" in shown
    assert "callbacks without a name: 1" in shown
    assert "MISSING" not in shown


def test_inspect_says_what_is_missing(epy, build_plugin, run, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", "venv")
    plugin = build_plugin(SCRIPT, "--python", "venv/bin/python3")
    run("rm", "-r", "venv")
    lines = epy("inspect", plugin).stdout.splitlines()
    assert [line.split()[0] for line in lines if "MISSING" in line] == ["executable"]


def test_inspect_does_not_load(epy, build_plugin):
    plugin = build_plugin(
        "import epy, os\nepy.export_address('f', 5)\nepy.building or os._exit(9)\n"
    )
    assert "functions (1)" in epy("inspect", plugin).stdout


@pytest.mark.parametrize(
    ("option", "words"),
    [("--eager", "eager plugin"), ("--editable", "(editable: read from there)")],
)
def test_inspect_shows_the_mode(epy, build_plugin, option, words):
    assert words in epy("inspect", build_plugin(SCRIPT, option)).stdout


def test_inspect_a_bare_stub(epy):
    epy("stub", "-o", "synth.so")
    assert "bare stub" in epy("inspect", "synth.so").stdout
    assert json.loads(epy("inspect", "synth.so", "--json").stdout)["mode"] == "bare"


def damage(plugin, kind, run):
    data = bytearray(plugin.read_bytes())
    if kind == "truncated":
        del data[len(data) // 2 :]
    elif kind == "header only":
        del data[40:]
    elif kind == "empty":
        data.clear()
    elif kind == "text":
        data[:] = b"import epy\n"
    elif kind == "machine":
        data[18] = 183  # AArch64
    elif kind == "contract":
        data[data.rindex(b"epy plugin stub\0") + 16] = 99
    plugin.write_bytes(data)
    if kind == "patchelf":
        run("patchelf", "--set-rpath", "/some/rather/long/path", plugin)


DAMAGES = {
    "truncated": "truncated",
    "header only": "truncated",
    "empty": "not an ELF file",
    "text": "not an ELF file",
    "machine": "machine",
    "contract": "epy",
    "patchelf": "moved",
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_plugin_is_one_line(mistake, plugin, run, kind):
    damage(plugin, kind, run)
    for command in (("inspect", plugin), ("call", plugin, "add", "1", "2")):
        message = mistake(*command)
        assert message.startswith(f"{plugin}: ")
        assert DAMAGES[kind] in message


def test_other_files_are_one_line(mistake, tmp_path):
    for path in ("/bin/true", tmp_path, tmp_path / "none.so"):
        assert str(path) in mistake("inspect", path)


def test_no_bytes_make_inspect_fail_otherwise(plugin):
    """Random damage: a description or a PluginFormatError, never anything else."""
    original = plugin.read_bytes()
    dice = random.Random(7)
    tail = original.index(b"epy archive 1")
    for _ in range(500):
        data = bytearray(original)
        for _ in range(dice.randint(1, 4)):
            low, high = dice.choice([(0, 0x400), (0x6000, 0x8000), (tail - 0x800, len(data))])
            data[dice.randrange(low, high)] = dice.choice([0, 1, 255, dice.randrange(256)])
        plugin.write_bytes(data)
        try:
            inspect.render(inspect.describe(plugin))
        except package.PluginFormatError as error:
            assert str(error).startswith(str(plugin)) and "\n" not in str(error)


# ---- call


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("add", "2", "0x10"), "18\n"),
        (("add", "-2", "0b11"), "1\n"),
        (("half", "5"), "2.5\n"),
        (("half", "-1e3"), "-500.0\n"),
        (("greet", "größe"), "hello größe\n"),
        (("greet", "null"), "hello nobody\n"),
        (("greet", ""), "hello \n"),
        (("negated", "true"), "false\n"),
        (("same", "0x1000"), "0x1000\n"),
        (("same", "none"), "NULL\n"),
        (("nothing",), ""),
        (("times", "1+2j", "0.5"), "(0.5+1j)\n"),
        (("upper", "größe"), "GRÖSSE\n"),
    ],
)
def test_call(epy, plugin, arguments, printed):
    result = epy("call", "plugin.so", *arguments)
    assert (result.stdout, result.stderr) == (printed, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "1"), "takes 2 arguments, 1 given"),
        (("add", "1", "2", "3"), "takes 2 arguments, 3 given"),
        (("add", "1", "two"), "argument 2: 'two' does not convert"),
        (("add", "1", "1.5"), "argument 2: '1.5' does not convert"),
        (("add", "1", "3000000000"), "32 bits"),
        (("byte", "-1"), "8 bits"),
        (("half", "x"), "a number"),
        (("negated", "2"), "true or false"),
        (("same", "here"), "null or an address"),
        (("gret", "x"), "did you mean greet?"),
        (("zzz",), "epy inspect"),
        (("info",), "info is data"),
        (("absolute", "1"), "without a signature"),
        (("times", "1", "x"), "argument 2: 'x' does not convert; expected a number"),
        (("times", "x", "1"), "expected a complex number such as 1+2j"),
        (("by_value", "1"), "expected an object such as"),
    ],
)
def test_a_wrong_call_is_one_line(mistake, plugin, arguments, words):
    assert words in mistake("call", "plugin.so", *arguments)


def test_an_exception_is_status_1(epy, plugin):
    result = epy("call", "plugin.so", "fails", "3", status=1)
    assert result.stdout == "-7\n"
    assert "ValueError: got 3" in result.stderr


def test_an_exception_is_status_1_whatever_the_hook(epy, build_plugin):
    plugin = build_plugin(
        "import epy\nepy.error_hook = lambda report: None\n"
        "@epy.export('int f(void)')\ndef f(): return 1 // 0\n"
    )
    assert epy("call", plugin, "f", status=1).stdout == "0\n"


def test_a_failed_start_is_status_1(epy, build_plugin):
    plugin = build_plugin(
        "import epy\n@epy.export('int f(void)', error=-3)\ndef f(): return 1\nassert epy.building\n"
    )
    result = epy("call", plugin, "f", status=1)
    assert result.stdout == "-3\n"
    assert result.stderr.count("AssertionError") == 1
