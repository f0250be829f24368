"""The archive inside a plugin: its manifest and the modules of its script.

It is text with sizes, so that `strings plugin.so` shows it and a reader never has to guess:

    epy archive 1
    manifest SIZE
    <lines of tab separated fields, the first is the key>
    module SIZE<tab>NAME<tab>FILENAME
    <source bytes>
    code SIZE<tab>NAME<tab>MAGIC
    <the module's code as marshal writes it, for the Python whose bytecode has this magic number>
    file SIZE<tab>NAME
    <a data file of the package, by its path below it>
    constant SIZE<tab>NAME
    <a value as marshal writes it>
    header SIZE<tab>TEXTSIZE<tab>INDEXSIZE
    <what `epy.header` got in the script, then what it declares: see _file/stored_header.py>
    ...
    end

This module runs inside plugins too, so it imports little.
"""

from . import _errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Row = tuple[str, ...]
    Member = tuple[str, str, bytes]
    Code = tuple[str, str, bytes]
    File = tuple[str, int, int]  # name, and where it starts and ends in the archive
    Constant = tuple[str, bytes]
    Header = tuple[str, bytes, bytes]

_FIRST_LINE = b"epy archive 1\n"
_LAST_LINE = b"end\n"
_LONGEST_LINE = 1 << 16  # of a header; fields in the manifest may be longer
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
_PLAIN = {escape[1]: plain for plain, escape in _ESCAPES.items()}


# The manifest's lines: the fields behind each key. Those of `_NUMBERS` are integers, of `_LISTS`
# tuples of them.
_FIELDS = {
    "plugin": ("name",),
    "mode": ("mode",),
    "kind": ("kind",),
    "source": ("path",),
    "editable": ("path",),
    "reload": ("reload",),
    "python": ("version", "executable", "libpython"),
    "epy": ("version",),
    "function": ("name", "slot", "codes", "text", "error"),
    "address": ("name", "slot", "text"),
    "version": ("name", "version"),
    "callback": ("slot",),
    "data": ("name", "address", "size", "layout", "slots", "text"),
    "prototype": ("text", "name", "expression"),
    "plain": ("text", "name", "codes"),
}
_NUMBERS = {"slot", "address", "size"}
_LISTS = {"slots"}


def row(key: str, **fields: "Any") -> "Row":
    """A line of the manifest."""
    names = _FIELDS[key]
    if fields.keys() != set(names):
        raise TypeError(f"{key} has the fields {', '.join(names)}")
    return key, *(
        ",".join(map(str, fields[name])) if name in _LISTS else str(fields[name]) for name in names
    )


class Archive:
    """What a plugin's archive holds."""

    __slots__ = ("code", "constants", "files", "headers", "manifest", "members")

    def __init__(self) -> None:
        self.manifest: dict[str, list[Row]] = {}
        self.members: list[Member] = []
        self.code: list[Code] = []
        self.files: list[File] = []
        self.constants: list[Constant] = []
        self.headers: list[Header] = []

    def rows(self, key: str) -> "list[dict[str, Any]]":
        """The lines with `key` in order, as fields by name. ValueError if they have others."""
        names = _FIELDS[key]
        found: list[dict[str, Any]] = []
        for line in self.manifest.get(key, ()):
            fields: dict[str, Any] = dict(zip(names, line, strict=True))
            for name in _NUMBERS.intersection(names):
                fields[name] = int(fields[name])
            for name in _LISTS.intersection(names):
                fields[name] = tuple(int(one) for one in fields[name].split(",") if one)
            found.append(fields)
        return found

    def text(self, key: str, name: str = "") -> str:
        """A field of the first line with `key`, by default its first; "" if it is not there."""
        names = _FIELDS[key]
        lines = self.manifest.get(key)
        index = names.index(name) if name else 0
        return lines[0][index] if lines and index < len(lines[0]) else ""


def write(
    manifest: "Iterable[Row]",
    members: "Iterable[Member]",
    code: "Iterable[Code]" = (),
    constants: "Iterable[Constant]" = (),
    headers: "Iterable[Header]" = (),
    files: "Iterable[tuple[str, bytes]]" = (),
) -> bytes:
    """The bytes of an archive.

    `members` are (dotted name, file name, source), `code` (dotted name, magic, marshalled code),
    `constants` (name, marshalled value), `headers` (what the script asked for, index, data), and
    `files` (name, contents).
    """
    lines = "".join("\t".join(map(_escape, row)) + "\n" for row in manifest)
    parts = [_FIRST_LINE, *_block("manifest", (), _encode(lines))]
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
    return b"".join([*parts, _LAST_LINE])


def size_of_files(files: "Iterable[tuple[str, bytes]]") -> int:
    """How much at the end of an archive is not read before a script asks for a file."""
    parts = [part for name, contents in files for part in _block("file", (name,), contents)]
    return len(b"".join([*parts, _LAST_LINE])) if parts else 0


def read(data: bytes | memoryview) -> "Archive":
    """The archive in `data`; PluginFormatError if it is none or cut short."""
    view = memoryview(data)
    start = len(_FIRST_LINE)
    if bytes(view[:start]) != _FIRST_LINE:
        raise _errors.PluginFormatError("no epy archive of version 1; build the plugin again")
    found = Archive()
    while bytes(view[start : start + len(_LAST_LINE)]) != _LAST_LINE:
        key, fields, begin, end = _read_block(view, start)
        start = end + 1
        if key == "file" and len(fields) == 1:  # may be large: read when it is asked for
            found.files.append((fields[0], begin, end))
            continue
        source = bytes(view[begin:end])
        if key == "manifest":
            for line in _decode(source).split("\n")[:-1]:
                name, *values = line.split("\t")
                if "\\" in line:
                    name, *values = map(_unescape, (name, *values))
                found.manifest.setdefault(name, []).append(tuple(values))
        elif key == "module" and len(fields) == 2:
            found.members.append((fields[0], fields[1], source))
        elif key == "code" and len(fields) == 2:
            found.code.append((fields[0], fields[1], source))
        elif key == "constant" and len(fields) == 1:
            found.constants.append((fields[0], source))
        elif key == "header" and len(fields) == 2:
            start_of_index, size = map(_number, fields)
            start_of_data = start_of_index + size
            text, index = source[:start_of_index], source[start_of_index:start_of_data]
            found.headers.append((_decode(text), index, source[start_of_data:]))
        else:
            raise _damaged()
    return found


def _block(key: str, fields: "Row", *contents: bytes) -> tuple[bytes, ...]:
    header = "\t".join([f"{key} {sum(map(len, contents))}", *map(_escape, fields)])
    return _encode(header + "\n"), *contents, b"\n"


def _read_block(view: memoryview, start: int) -> "tuple[str, Row, int, int]":
    """Key and fields of the block at `start`, and where its contents start and end."""
    line, newline, _ = bytes(view[start : start + _LONGEST_LINE]).partition(b"\n")
    first, *fields = _decode(line).split("\t")
    key, _, size = first.partition(" ")
    if not newline:
        raise _damaged()
    begin = start + len(line) + 1
    end = begin + _number(size)
    if bytes(view[end : end + 1]) != b"\n":
        raise _damaged()
    return key, tuple(map(_unescape, fields)), begin, end


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _damaged()
    return int(text)


def _damaged() -> "Exception":
    return _errors.PluginFormatError("the epy archive is damaged; build the plugin again")


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    characters = iter(text)
    return "".join(
        _PLAIN.get(next(characters, ""), "") if character == "\\" else character
        for character in characters
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # paths may be any bytes


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
