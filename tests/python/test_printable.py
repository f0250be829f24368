"""What a file says is shown as text: no control character of it reaches the terminal."""

import json

import pytest

from epy._file.elf import Image
from epy._file.tables import Tables
from epy._printable import printable

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\r\n\x7f\u202e"


def is_harmless(output):
    return all(character.isprintable() or character == "\n" for character in output)


def test_what_can_be_shown_is_left_alone():
    assert printable("größe, 文字 int f(void);") == "größe, 文字 int f(void);"


def test_the_rest_is_escaped():
    assert printable("\x1b[2J\n\x9b\u202e\udcff") == "\\x1b[2J\\n\\x9b\\u202e\\udcff"


@pytest.fixture
def hostile_plugin(build_plugin, tmp_path):
    """One whose names, paths and texts are control characters, stamped as if it were in order."""
    plugin = build_plugin(
        "import epy\n"
        "@epy.export('int NAMENAMENAME(int x)')\n"
        "def NAMENAMENAME(x): ...\n"
        "epy.export_data('DATADATADATA', __import__('ctypes').c_int())\n"
    )
    image = Image(bytearray(plugin.read_bytes()), str(plugin))
    info = image.info()
    start, size = info.archive.address, info.archive.size
    offset = image.offset(start, size)
    archive = bytes(image.data[offset : offset + size])
    for name in (b"NAMENAMENAME", b"DATADATADATA", str(tmp_path).encode()):
        archive = archive.replace(name, b"\x1b[2J\x07\xc2\x9b\xff" + b"\x7f" * (len(name) - 8))
    image.data[offset : offset + size] = archive
    for address in (info.executable_path, info.loader_path, info.libpython_path):
        place = image.offset(address, 8)
        image.data[place + 1 : place + 6] = b"\x1b[2J\n"
    Tables(image).stamp_checksums()
    plugin.write_bytes(image.data)
    return plugin


def test_inspect_shows_no_control_characters(hostile_plugin, epy):
    shown = epy("inspect", hostile_plugin).stdout
    assert is_harmless(shown)
    assert "\\x1b[2J" in shown


def test_json_is_escaped_and_whole(hostile_plugin, epy):
    text = epy("inspect", hostile_plugin, "--json").stdout
    assert is_harmless(text)
    assert "\x1b[2J" in json.loads(text)["python"]["executable"]["path"]


def test_messages_quote_no_control_characters(mistake, tmp_path):
    (tmp_path / "bad.h").write_text(f"int f(int {HOSTILE!s} x);\nchar *g(\n", newline="")
    message = mistake("inspect", "--header", tmp_path / "bad.h")
    assert is_harmless(message)


def test_header_lists_no_control_characters(epy, tmp_path):
    (tmp_path / "odd.h").write_text(
        '#define TEXT "a\x1b[2Jb\\033[31m\x9b"\n#define NUMBER 1\n', newline=""
    )
    shown = epy("inspect", "--header", tmp_path / "odd.h").stdout
    assert is_harmless(shown)
    assert "NUMBER = 1" in shown


# ---- what a running plugin says

FORGED = "name\nforged \x1b[2J\x9b\u202e"
NAMED_BY_OTHERS = (
    f"FORGED = {FORGED!r}"
    """
import atexit, epy, sys, threading
from ctypes import CFUNCTYPE, c_int

class Odd(Exception): ...
Odd.__name__ = Odd.__qualname__ = FORGED

def fails(*_):
    raise ValueError
fails.__name__ = FORGED

def breaks(report):
    raise Odd("the hook")

if MODE == "start" and not epy.building:
    raise ValueError
if MODE == "hook" and not epy.building:
    epy.error_hook = breaks
if MODE == "unload":
    epy.on_unload(fails)
    if not epy.building:
        atexit.register(fails)

@epy.export(error=-1)
def check(n: c_int) -> c_int:
    if MODE == "thread":
        thread = threading.Thread(target=lambda: CFUNCTYPE(c_int)(report.address)(), name=FORGED)
        thread.start(), thread.join()
    if MODE == "callback":
        CFUNCTYPE(c_int)(epy.callback("int(void)")(fails).address)()
    if MODE == "dropped":
        gone = CFUNCTYPE(c_int)(epy.callback("int(void)")(fails).address)
        gone()
    if MODE == "hook":
        raise ValueError
    return n

@epy.export(error=-1)
def report() -> c_int:
    raise ValueError
"""
)


@pytest.mark.parametrize("mode", ["start", "hook", "unload", "thread", "callback", "dropped"])
def test_names_cannot_forge_a_line_of_a_report(build_plugin, native, run, tmp_path, mode):
    """Of the plugin's file, of functions, types and threads."""
    plugin = build_plugin(f"MODE = {mode!r}\n{NAMED_BY_OTHERS}")
    odd = plugin.rename(tmp_path / f"{FORGED}.so")
    messages = run(native("stacks"), odd, "main:check", "main:+close").stderr
    heads = [line for line in messages.splitlines() if line.startswith("epy: ")]
    assert heads
    assert "name\\n" in messages or "name\\x0a" in messages
    assert is_harmless(messages)
    assert "\nforged" not in messages


@pytest.mark.parametrize("missing", ["loader", "python"])
def test_names_cannot_forge_a_line_of_a_refusal(build_plugin, native, run, tmp_path, missing):
    """What the stub and the loader say, before there is a Python."""
    plugin = build_plugin("import epy\n@epy.export('int check(int)')\ndef check(n): return n\n")
    odd = plugin.rename(tmp_path / f"{FORGED}.so")
    if missing == "loader":
        image = Image(bytearray(odd.read_bytes()), str(odd))
        place = image.offset(image.info().loader_path, 8)
        image.data[place + 1 : place + 6] = b"\x1b[2J\n"
        Tables(image).stamp_checksums()
        odd.write_bytes(image.data)
    env = {"EPY_PYTHON": f"/nowhere/{FORGED}", "PATH": "", "EPY_LOG": "debug"}
    messages = run(native("stacks"), odd, "main:check", env=env, status=None).stderr
    assert is_harmless(messages)
    assert "forged" in messages
    assert "\nforged" not in messages
