"""The archive inside a plugin: its manifest and the modules of its script, and how that finds them.

It is text with sizes, so that `strings plugin.so` shows it and a reader never has to guess:

    epy archive 1
    manifest SIZE
    <lines of tab separated fields, the first is the key>
    rows SIZE<tab>KEY
    <further lines with this key, of which there may be thousands: a field each>
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

The core takes it apart (core/plugin/archive.cpp), _file/archive_writer.py writes it.
"""

import sys

from . import _core, _errors
from ._modules import MAGIC, Sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._plugin import Running
    from ._script import Script

    Row = tuple[str, ...]
    Member = tuple[str, str, bytes]
    Code = tuple[str, str, bytes]
    File = tuple[str, int, int]  # name, and where it starts and ends in the archive
    Constant = tuple[str, bytes]
    Header = tuple[str, bytes, bytes]

FIRST_LINE = b"epy archive 1\n"
LAST_LINE = b"end\n"

# The manifest's lines: the fields behind each key. Those of `_NUMBERS` are integers, of `LISTS`
# tuples of them.
FIELDS = {
    "plugin": ("name",),
    "mode": ("mode",),
    "kind": ("kind",),
    "source": ("path",),
    "editable": ("path",),
    "reload": ("reload",),
    "python": ("version", "executable", "libpython"),
    "epy": ("version",),
    "function": ("name", "slot", "codes", "text", "error", "plain"),
    "address": ("name", "slot", "text"),
    "version": ("name", "version"),
    "callback": ("slot",),
    "data": ("name", "address", "size", "layout", "slots", "text"),
    "prototype": ("text", "name", "expression"),
    "plain": ("text", "name", "codes"),
}
_NUMBERS = {"slot", "address", "size"}
LISTS = {"slots"}
MANY = ("function", "plain")
"""The keys of lines that lie in `rows`: read when they are asked for, and by the core."""


class Archive:
    """What a plugin's archive holds."""

    __slots__ = ("code", "constants", "files", "headers", "manifest", "many", "members")

    def __init__(self, parts: "tuple[list[Any], ...]") -> None:
        manifests, rows, members, code, constants, headers, files = parts
        self.manifest: dict[str, list[Row]] = manifests[0] if manifests else {}
        self.many = dict.fromkeys(MANY, b"") | dict(rows)  # what `rows` has of each
        self.members: list[Member] = members
        self.code: list[Code] = code
        self.constants: list[Constant] = constants
        self.headers: list[Header] = headers
        self.files: list[File] = files

    def rows(self, key: str) -> "list[dict[str, Any]]":
        """The lines with `key` in order, as fields by name. ValueError if they have others."""
        if key not in self.manifest and key not in MANY:
            return []
        names = FIELDS[key]
        numbers, lists = _NUMBERS.intersection(names), LISTS.intersection(names)
        found: list[dict[str, Any]] = []
        lines: Any = (
            zip(*columns(self.many, key).values(), strict=True)
            if key in MANY
            else self.manifest[key]
        )
        for line in lines:
            fields: dict[str, Any] = dict(zip(names, line, strict=True))
            for name in numbers:
                fields[name] = int(fields[name])
            for name in lists:
                fields[name] = tuple(int(one) for one in fields[name].split(",") if one)
            found.append(fields)
        return found

    def text(self, key: str, name: str = "") -> str:
        """A field of the first line with `key`, by default its first; "" if it is not there."""
        names = FIELDS[key]
        lines = self.manifest.get(key)
        index = names.index(name) if name else 0
        return lines[0][index] if lines and index < len(lines[0]) else ""


def columns(many: "dict[str, bytes]", key: str) -> "dict[str, list[str]]":
    """One of `MANY`: a list for each field. PluginFormatError if a line has others."""
    fields, names = _core.archive_lines(many[key]), FIELDS[key]
    width = len(names)
    if fields is None or len(fields) % width:
        raise _damaged()
    return {name: fields[index::width] for index, name in enumerate(names)}


def read(data: bytes | memoryview) -> "Archive":
    """The archive in `data`; PluginFormatError if it is none or cut short."""
    parts = _core.parse_archive(data)
    if parts is None:
        if bytes(data[: len(FIRST_LINE)]) != FIRST_LINE:
            raise _errors.PluginFormatError("no epy archive of version 1; build the plugin again")
        raise _damaged()
    found = Archive(parts)
    if len(found.many) != len(MANY):
        raise _damaged()
    _take_old_rows(found)
    return found


def _take_old_rows(archive: "Archive") -> None:
    """Of a plugin from before there were rows."""
    for key in MANY:
        for fields in archive.manifest.pop(key, ()):
            from ._file.archive_writer import rows_of

            fields += ("",) * (len(FIELDS[key]) - len(fields))
            archive.many[key] += rows_of(fields)


def _damaged() -> "Exception":
    return _errors.PluginFormatError("the epy archive is damaged; build the plugin again")


# What it tells of a script


def stored_sources(archive: "Archive", read: "Callable[[int, int], bytes]") -> "Sources":
    """What the script of a plugin consists of; `read` gives bytes of the archive."""

    members, data, code = {}, {}, {}
    for name, filename, source in archive.members:
        members[name] = filename, source
    for name, magic, stored in archive.code:
        if magic == MAGIC:
            code[name] = stored
    for name, begin, end in archive.files:
        data[name] = _reader(read, begin, end)
    return Sources(members, archive.text("kind") == "package", data, code)


def _reader(read: "Callable[[int, int], bytes]", begin: int, end: int) -> "Callable[[], bytes]":
    return lambda: read(begin, end)


def read_manifest(archive: "Archive", script: "Script") -> None:
    script.name = script.plugin.name = archive.text("plugin") or script.name
    script.unread = archive.many
    for row in archive.rows("address"):
        script.names[row["name"]] = row["slot"]
        script.texts[row["name"]] = row["text"]
    for row in archive.rows("data"):
        from ._parts import DataEntry

        script.names[row["name"]] = DataEntry(
            row["address"], row["size"], row["layout"], row["slots"]
        )
        script.texts[row["name"]] = row["text"]
    for row in archive.rows("version"):
        script.loaded_versions[row["name"]] = row["version"]
    for row in archive.rows("prototype"):
        script.prototypes[row["text"]] = row["name"], row["expression"]


def sources_of(script: "Running") -> "tuple[Sources, str]":
    """What the script consists of, and where it came from."""
    native = script.native
    if native.script is not None:
        script.place = native.script
        script.executable = _executable(native.path, "")
        return _read_script(native.script), native.script
    archive = read(native.archive)
    try:
        read_manifest(archive, script)
    except ValueError:
        raise _errors.PluginFormatError(
            f"{native.path}: is damaged: run `epy build` again"
        ) from None
    script.executable = _executable(native.path, archive.text("python", "executable"))
    for name, constant in archive.constants:
        script.constants[name] = constant
    for text, index, data in archive.headers:
        script.stored_headers[text] = index, data
    editable = archive.text("editable")
    if editable:
        script.place = editable
        script.watched = archive.text("reload") == "yes"
        return _read_script(editable), editable
    script.is_stored = True
    sources = stored_sources(archive, lambda begin, end: _read(native, begin, end))
    if "" not in sources.members:
        raise _errors.PluginFormatError(f"{native.path}: holds no script: run `epy build` again")
    if script.trace is None:
        native.begin_start(archive.many["function"], FIELDS["function"], script.offered)
    return sources, archive.text("source")


def _executable(plugin: str, stamped: str) -> str:
    """Whose packages the plugin finds: what `epy bundle` put beside it, which is laid out as a
    virtual environment, or those of the Python that it was built for, if it is here."""
    sent = f"{plugin.rpartition('/')[0]}/epy"
    start: Any = sys.modules.get("epy._start")
    if _core.exists(f"{sent}/packages/pyvenv.cfg"):
        if start is None:
            from ._running import environments

            environments.install()
        return f"{sent}/packages/bin/python"
    if start is not None and (start.is_chosen or stamped == start.executable):
        return str(start.executable)  # whether it is there or not
    if not _core.exists(stamped) or _core.exists(f"{sent}/bundle"):
        stamped = ""
    if start is None:  # a host's Python, which knows nothing of it
        if stamped and stamped != sys.executable:
            from ._running import environments

            environments.install()
        return stamped
    return stamped or start.executable


def _read_script(path: str) -> "Sources":
    from ._file.sources import read_script  # a plugin that holds its script needs none

    return read_script(path)


def _read(native: "_core.NativePlugin", begin: int, end: int) -> bytes:
    """From the plugin's memory, as long as it is there."""
    found = native.read_archive(begin, end)
    if found is None:
        raise _errors.UnloadedError(f"{native.path}: holds the file, and has been unloaded")
    return found
