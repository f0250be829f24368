"""What a plugin brings along that needs no epy where it runs (stub/pack.h)."""

import marshal
import os
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from .._errors import PluginFormatError, StampError
from .._modules import MAGIC
from .._packed import FOLDER
from .elf import Header, Image
from .tables import LOADER, PACKAGE, checksum_of_packed

_MAGIC = b"epy pack 2".ljust(16, b"\0")
_ENTRY = struct.Struct("<40sQQQQ")  # name, unpacked size or 0, offset, size, checksum
_TABLE = struct.Struct("<16sQ")  # magic, count
_ALIGNMENT = 64
# What no running plugin needs: it builds some.
_BUILDERS = ("_command/", "_file/archive_writer.", "_file/pack.", "_file/stamp.", "_file/tail.")
# What reads headers in a process of its own, which has its modules from files (_c/process.py).
_READERS = tuple(
    f"_c/{name}." for name in ("answers", "described", "header", "part", "reader", "words")
)


def make_pack(cores: tuple[str, ...] | None = None) -> bytes:
    """The pack with the cores for these Pythons ("3.11", "3.13t"), or with all that are here."""
    sources = {name: (file, path.read_bytes()) for name, file, path in _modules()}
    code = {
        name: marshal.dumps(compile(source, f"{FOLDER}/{file}", "exec", dont_inherit=True))
        for name, (file, source) in sources.items()
    }
    chosen = choose_cores(cores)
    files = {
        LOADER.name: bare_object(LOADER),
        **{path.name: bare_object(path) for path in chosen},
        f"code {int.from_bytes(bytes.fromhex(MAGIC), 'little'):08x}": marshal.dumps(code),
    }
    # What only other Pythons take may start a little later, and be half as large.
    own = own_version()
    others = {path.name for path in chosen if _version_of(path.name) not in (own, f"{own}t")}
    if others:
        files["sources"] = marshal.dumps({name: source for name, (_, source) in sources.items()})
        others.add("sources")
    table = _TABLE.pack(_MAGIC, len(files))
    place = _align(len(table) + _ENTRY.size * len(files))
    contents = b""
    for name, data in files.items():
        unpacked = len(data) if name in others else 0
        stored = _deflate(data) if unpacked else data
        offset = place + len(contents)
        table += _ENTRY.pack(
            name.encode(), unpacked, offset, len(stored), checksum_of_packed(stored)
        )
        contents += stored.ljust(_align(len(stored)), b"\0")
    return table.ljust(place, b"\0") + contents


def own_version() -> str:
    """Of the Python that builds: "3.11"."""
    return "{}.{}".format(*sys.version_info)


def choose_cores(versions: tuple[str, ...] | None) -> list[Path]:
    """The cores for these Pythons, of this epy; StampError for one that is not here."""
    here = {
        version: path
        for path in sorted(PACKAGE.glob("_core.cpython-*.so"))
        if (version := _version_of(path.name))
    }
    if not here:
        raise StampError(f"{PACKAGE}: has no core; install epy again")
    missing = [version for version in versions or () if version not in here]
    if missing:
        raise StampError(
            f"--cores: this epy has no core for Python {', '.join(missing)}, only for "
            f"{', '.join(here)}; leave it out, or install an epy that has one"
        )
    return [here[version] for version in versions or here]


def _version_of(name: str) -> str | None:
    """ "3.13t" of "_core.cpython-313t-x86_64-linux-gnu.so"; None for a debugging build."""
    found = re.match(r"_core\.cpython-3(\d+t?)-", name)
    return f"3.{found[1]}" if found else None


def run_time_files() -> Iterator[tuple[str, Path]]:
    """The package's Python files that a running plugin may need, by their path in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE).as_posix()
        if not file.startswith(_BUILDERS):
            yield file, path


def _modules() -> Iterator[tuple[str, str, Path]]:
    for file, path in run_time_files():
        if file.startswith(_READERS):
            continue
        yield file.removesuffix(".py").replace("/", "."), file, path


def bare_object(path: Path) -> bytes:
    """A shared object without what only tools read: debugging information, sections."""
    try:
        image = Image(bytearray(path.read_bytes()), os.fspath(path))
    except OSError as error:
        raise PluginFormatError(f"{path}: {error.strerror}; install epy again") from None
    data = image.data[: max(one.offset + one.filesz for one in image.segments)]
    header = Header.from_buffer(data)
    header.shoff = header.shnum = header.shstrndx = 0
    return bytes(data)


def _deflate(data: bytes) -> bytes:
    """As loader/inflate.h reads it: without a frame."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def _align(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
