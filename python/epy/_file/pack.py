"""What a plugin brings along that needs no epy where it runs (stub/pack.h)."""

import marshal
import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from .._errors import PluginFormatError, StampError
from .._modules import MAGIC
from .._packed import FOLDER
from .elf import Header, Image
from .tables import LOADER, PACKAGE, checksum_of_packed

_MAGIC = b"epy pack 1".ljust(16, b"\0")
_ENTRY = struct.Struct("<48sQQQ")  # name, offset, size, checksum
_TABLE = struct.Struct("<16sQ")  # magic, count
_ALIGNMENT = 64
_LEFT_OUT = ("_command",)  # what no running plugin needs


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
    own = "{}.{}".format(*sys.version_info)
    if any(_version_of(path.name) not in (own, f"{own}t") for path in chosen):
        files["sources"] = marshal.dumps({name: source for name, (_, source) in sources.items()})
    table = _TABLE.pack(_MAGIC, len(files))
    place = _align(len(table) + _ENTRY.size * len(files))
    contents = b""
    for name, data in files.items():
        offset = place + len(contents)
        table += _ENTRY.pack(name.encode(), offset, len(data), checksum_of_packed(data))
        contents += data.ljust(_align(len(data)), b"\0")
    return table.ljust(place, b"\0") + contents


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
        if file.partition("/")[0] not in _LEFT_OUT:
            yield file, path


def _modules() -> Iterator[tuple[str, str, Path]]:
    for file, path in run_time_files():
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


def _align(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
