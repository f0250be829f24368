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
