"""The archive: what is written is read back, and damaged bytes are a PluginFormatError."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epy import PluginFormatError, _archive
from epy._file import archive_writer

FIELDS = st.text(st.characters(codec="utf-8"))
ROWS = st.lists(st.lists(FIELDS, min_size=1).map(tuple))
MEMBERS = st.lists(st.tuples(FIELDS, FIELDS, st.binary()))
CONSTANTS = st.lists(st.tuples(FIELDS, st.binary()))

SMALL = archive_writer.write(
    [
        ("plugin", "synth"),
        ("mode", "lazy"),
        ("function", "add", "0", "iii", "int add(int, int)", "", "yes"),
    ],
    [("", "/s/synth.py", b"import epy\n"), ("util", "/s/util.py", b"")],
)


@settings(deadline=None)
@given(ROWS, MEMBERS, MEMBERS, CONSTANTS)
def test_reads_what_was_written(rows, members, code, constants):
    found = _archive.read(archive_writer.write(rows, members, code, constants))
    keys = {key for key, *_ in rows}
    assert found.manifest == {key: [row[1:] for row in rows if row[0] == key] for key in keys}
    assert found.members == members
    assert (found.code, found.constants) == (code, constants)


def test_reads_from_a_plugin_s_memory():
    found = _archive.read(memoryview(bytearray(SMALL)))
    assert found.members[0] == ("", "/s/synth.py", b"import epy\n")
    assert type(found.members[0][2]) is bytes


def test_paths_may_be_any_bytes():
    path = b"/caf\xe9/\xff.py".decode("utf-8", "surrogateescape")
    found = _archive.read(archive_writer.write([("source", path)], [("", path, b"")]))
    assert found.text("source") == path
    assert found.members[0][1] == path


def test_is_printable():
    assert SMALL.decode("ascii").replace("\n", "").replace("\t", "").isprintable()
    hidden = archive_writer.write([("key", "a\tb\nc\0d\re\\")], [])
    assert b"key\ta\\tb\\nc\\0d\\re\\\\\n" in hidden


def test_fields_that_are_missing_are_empty():
    found = _archive.read(SMALL)
    assert found.text("mode") == "lazy"
    assert found.text("python", "libpython") == found.text("source") == ""


def test_each_line_has_fields_by_name():
    function = {"name": "add", "slot": 0, "codes": "iii", "text": "int\nadd(\\)", "error": ""}
    function["plain"] = "yes"
    data = {"name": "d", "address": 8, "size": 4, "layout": "l", "slots": (1, 22), "text": ""}
    rows = [archive_writer.row("function", **function), archive_writer.row("data", **data)]
    found = _archive.read(archive_writer.write(rows, []))
    assert (found.rows("function"), found.rows("data")) == ([function], [data])
    assert found.rows("callback") == []


@pytest.mark.parametrize(
    "fields", [("add",), ("add", "0", "i", "", "", "", "more"), ("add", "x", "i", "", "", "")]
)
def test_a_line_with_other_fields_is_an_error(fields):
    found = _archive.read(archive_writer.write([("function", *fields)], []))
    with pytest.raises(ValueError):
        found.rows("function")


def test_functions_of_an_older_epy_lie_in_the_manifest():
    lines = b"function\tadd\t0\tiii\tint\\nadd(\\\\)\n"
    found = _archive.read(b"epy archive 1\nmanifest %d\n%b\nend\n" % (len(lines), lines))
    function = {"name": "add", "slot": 0, "codes": "iii", "text": "int\nadd(\\)"}
    assert found.rows("function") == [{**function, "error": "", "plain": ""}]


def test_a_field_that_no_line_has_is_a_mistake():
    with pytest.raises(TypeError, match="version has the fields name, version"):
        archive_writer.row("version", name="f", number="1")


@pytest.mark.parametrize("length", range(len(SMALL)))
def test_a_truncated_archive_is_refused(length):
    with pytest.raises(PluginFormatError):
        _archive.read(SMALL[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"epy archive 2\nend\n",
        b"epy archive 1\nmodule 99999999999999999\ta\tb\nend\n",
        b"epy archive 1\nmodule " + b"9" * 5000 + b"\ta\tb\nend\n",
        b"epy archive 1\nmodule -5\ta\tb\nend\n",
        b"epy archive 1\nmodule 0\ta\n\nend\n",
        b"epy archive 1\nsurprise 0\n\nend\n",
    ],
)
def test_a_damaged_archive_is_refused(data):
    with pytest.raises(PluginFormatError):
        _archive.read(data)


@settings(deadline=None)
@given(st.binary(max_size=3), st.integers(0, len(SMALL) - 1))
def test_bytes_of_any_kind_never_fail_otherwise(noise, place):
    damaged = SMALL[:place] + noise + SMALL[place + len(noise) :]
    try:
        _archive.read(damaged)
    except PluginFormatError as error:
        assert "\n" not in str(error)
