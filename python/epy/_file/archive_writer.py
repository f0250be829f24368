"""Writes a plugin's archive: see epy/_archive.py."""

from __future__ import annotations

from .._archive import FIELDS, FIRST_LINE, LAST_LINE, LISTS, MANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .._archive import Code, Constant, Header, Member, Row

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}


def row(key: str, **fields: Any) -> Row:
    """A line of the manifest."""
    names = FIELDS[key]
    if fields.keys() != set(names):
        raise TypeError(f"{key} has the fields {', '.join(names)}")
    return key, *(
        ",".join(map(str, fields[name])) if name in LISTS else str(fields[name]) for name in names
    )


def write(
    manifest: Iterable[Row],
    members: Iterable[Member],
    code: Iterable[Code] = (),
    constants: Iterable[Constant] = (),
    headers: Iterable[Header] = (),
    files: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """The bytes of an archive.

    `members` are (dotted name, file name, source), `code` (dotted name, magic, marshalled code),
    `constants` (name, marshalled value), `headers` (what the script asked for, index, data), and
    `files` (name, contents).
    """
    rows = list(manifest)
    lines = "".join("\t".join(map(_escape, row)) + "\n" for row in rows if row[0] not in MANY)
    parts = [FIRST_LINE, *_block("manifest", (), _encode(lines))]
    for many in MANY:
        fields = [field for row in rows if row[0] == many for field in row[1:]]
        parts += _block("rows", (many,), rows_of(fields))
    for name, filename, source in members:
        parts += _block("module", (name, filename), source)
    for name, magic, marshalled in code:
        parts += _block("code", (name, magic), marshalled)
    for name, marshalled in constants:
        parts += _block("constant", (name,), marshalled)
    for text, index, data in headers:
        key = _encode(text)
        parts += _block("header", (str(len(key)), str(len(index))), key, index, data)
    for name, contents in files:  # the last: see `size_of_files`
        parts += _block("file", (name,), contents)
    return b"".join([*parts, LAST_LINE])


def rows_of(fields: Iterable[str]) -> bytes:
    """A line for each."""
    return _encode("".join(f"{_escape(field)}\n" for field in fields))


def size_of_files(files: Iterable[tuple[str, bytes]]) -> int:
    """How much at the end of an archive is not read before a script asks for a file."""
    parts = [part for name, contents in files for part in _block("file", (name,), contents)]
    return len(b"".join([*parts, LAST_LINE])) if parts else 0


def _block(key: str, fields: Row, *contents: bytes) -> tuple[bytes, ...]:
    header = "\t".join([f"{key} {sum(map(len, contents))}", *map(_escape, fields)])
    return _encode(header + "\n"), *contents, b"\n"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # paths may be any bytes
