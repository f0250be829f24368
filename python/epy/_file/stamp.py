"""Stamping: a copy of the stub, plus slots, data, settings and an archive, is a plugin.

Names go into the tables that the stub reserves; everything else into its tail (tail.py), which
grows and pushes back what lies behind it in the file: sections that are not loaded, and the section
headers.
"""

import ctypes
import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .._errors import PluginFormatError, StampError
from .elf import (
    DT_RELA,
    DT_RELACOUNT,
    DT_RELASZ,
    DT_VERDEFNUM,
    FIRST_WITH_OWN_GIL,
    SHF_ALLOC,
    SHT_GNU_VERDEF,
    SHT_NOBITS,
    SHT_NULL,
    STUB_OWN_GIL,
    Extent,
    Header,
    Image,
    Record,
    Section,
    Segment,
    StubInfo,
)
from .tables import STUB, Tables
from .tail import TRAMPOLINE_SIZE, Block, Slot, Tail, tail_segment

SYMBOL_SIZE = 24
VERSION_SIZE = 2
DEFINITION_SIZE = 28  # with its one name
BUILD_ID_SIZE = 20  # the digest at the end of .note.gnu.build-id


class Settings(NamedTuple):
    """What a plugin knows before it reads its archive."""

    flags: int  # STUB_EAGER, STUB_BARE, STUB_OWN_GIL
    loader: str = ""
    libpython: str = ""
    executable: str = ""


class Data(NamedTuple):
    """An exported block."""

    name: str
    block: int
    size: int


def stamp(
    soname: str,
    settings: Settings,
    slots: list[Slot],
    blocks: list[Block],
    data: list[Data],
    archive: Callable[[list[int]], bytes],
    files: int = 0,
    module: str | None = None,
    pack: bytes = b"",
) -> bytearray:
    """The bytes of a plugin; `archive` is told the address of each block.

    `files` is how many bytes at the archive's end are not read before a script asks for them,
    `module` the name of the function that a Python looks up to import the plugin, `pack` what it
    brings along (pack.py).
    """
    stub = _read_stub()
    names = [slot.name for slot in slots if slot.name is not None] + [item.name for item in data]
    if module in names:
        module = None  # the script knows better
    _check_room(stub.info(), len(slots), names)
    texts = [os.fsencode(path) for path in settings[1:]]
    tail = Tail(stub, slots, blocks, texts)
    stored = archive(tail.block_addresses)
    contents, relative_count = tail.contents(stored, pack)

    plugin = _extend(stub, contents)
    end = tail.address + len(contents)
    _describe(plugin, tail, end - tail.archive_address, relative_count)
    info = plugin.info()
    info.flags |= settings.flags
    if settings.flags & STUB_OWN_GIL:
        info.contract = FIRST_WITH_OWN_GIL
    info.slots_used = len(slots)
    info.records = Extent(tail.records_address, ctypes.sizeof(Record) * len(slots))
    info.files = files
    info.errors = Extent(tail.errors_address, tail.errors_size)
    info.data = Extent(tail.blocks_address, tail.blocks_size)
    info.archive = Extent(tail.archive_address, len(stored)) if stored else Extent(0, 0)
    info.pack = Extent(tail.pack_address(stored), len(pack)) if pack else Extent(0, 0)
    info.loader_path, info.libpython_path, info.executable_path = (
        address if text else 0 for text, address in zip(texts, tail.text_addresses, strict=True)
    )

    tables = Tables(plugin)
    tables.set_soname(os.fsencode(soname))
    section = plugin.section_index(".epy.trampolines")
    for index, slot in enumerate(slots):
        if slot.name is not None:
            place = tail.trampoline(index)
            tables.add(slot.name, place, TRAMPOLINE_SIZE, False, section, slot.version)
    section = plugin.section_index(".epy.data")
    for item in data:
        tables.add(item.name, tail.block_addresses[item.block], item.size, True, section, None)
    if module is not None:
        tables.add(module, info.module_init, 0, False, plugin.section_index(".text"), None)
    # Tools go by the section headers: they are to see what is used of the reserve.
    plugin.section(".dynsym").size = SYMBOL_SIZE * info.symbols_used
    plugin.section(".gnu.version").size = VERSION_SIZE * info.symbols_used
    definitions = plugin.dynamic(DT_VERDEFNUM)
    if definitions is not None:
        _show_definitions(plugin, definitions.value)
    tables.stamp_checksums()
    _renew_build_id(plugin)
    return plugin.data


def write(output: Path, plugin: bytes | bytearray, permissions: int = 0o755) -> None:
    """Put the plugin in place in one step: a host never sees half of it, or another one changed."""
    if output.exists() and not output.is_file():
        raise StampError(f"{output}: not a file; choose another output with -o")
    temporary = output.with_name(f".{output.name[:200]}.{os.urandom(8).hex()}")
    # Signals wait until the file is in place, or gone.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(temporary, mode, permissions), "wb") as file:
            file.write(plugin)
        os.replace(temporary, output)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(output)) from None
    finally:
        temporary.unlink(missing_ok=True)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _read_stub() -> Image:
    try:
        image = Image(bytearray(STUB.read_bytes()), str(STUB))
    except FileNotFoundError:
        raise PluginFormatError(f"{STUB}: the stub is missing; install epy again") from None
    Tables(image).check()
    return image


def _check_room(info: StubInfo, slots: int, names: list[str]) -> None:
    remedy = "or split the script into two plugins"
    if slots > info.slot_capacity:
        raise StampError(
            f"{slots} functions and callbacks, but a plugin has room for {info.slot_capacity}; "
            f"export fewer, {remedy}"
        )
    symbols = info.symbols.size // SYMBOL_SIZE - info.symbols_used
    if len(names) > symbols:
        raise StampError(
            f"{len(names)} names, but a plugin has room for {symbols}; export fewer, {remedy}"
        )
    room = info.strings.size - info.strings_used
    needed = sum(len(name.encode()) + 1 for name in names)
    if needed > room:
        raise StampError(
            f"the names take {needed} bytes, but a plugin has room for {room}; "
            f"use fewer or shorter names, {remedy}"
        )


def _extend(stub: Image, contents: bytearray) -> Image:
    """The stub with another tail, and what lies behind the tail moved back.

    The program headers are the file's end: the dynamic linker reads them first, so it refuses a
    file that was cut short, whose missing pages would end the process at the first touch. Where
    they were there is a copy, for who reads the mapped plugin, and for tools that put them back.
    """
    segment = tail_segment(stub)
    data = stub.data[: segment.offset] + contents
    sections = [Section.from_buffer_copy(section) for section in stub.sections]
    for section in sections:
        loaded = section.flags & SHF_ALLOC or section.type in (SHT_NULL, SHT_NOBITS)
        if not loaded and section.offset >= segment.offset:
            moved = stub.data[section.offset : section.offset + section.size]
            _pad(data, section.addralign)
            section.offset = len(data)
            data += moved
    _pad(data, 8)
    Header.from_buffer(data).shoff = len(data)
    for section in sections:
        data += bytes(section)

    size = ctypes.sizeof(Segment) * len(stub.segments)
    place, end = stub.header.phoff, len(data)
    data += bytes(size)
    plugin = Image(data, stub.name)
    tail_segment(plugin).filesz = tail_segment(plugin).memsz = len(contents)
    for segment in plugin.segments:
        segment.paddr = 0
    plugin.data[end:] = plugin.data[place : place + size]
    plugin.header.phoff = end
    return plugin


def _describe(plugin: Image, tail: Tail, archive_size: int, relative_count: int) -> None:
    """Let .dynamic and the section headers say what the tail holds."""
    offset = tail_segment(plugin).offset - tail.address
    for name, address, size in (
        (".rela.dyn", tail.address, tail.relocations_size),
        (".epy.data", tail.data_address, tail.data_size),
        (".epy.archive", tail.archive_address, archive_size),
    ):
        section = plugin.section(name)
        section.addr, section.offset, section.size = address, address + offset, size
    for tag, value in (
        (DT_RELA, tail.address),
        (DT_RELASZ, tail.relocations_size),
        (DT_RELACOUNT, relative_count),
    ):
        entry = plugin.dynamic(tag)
        if entry is not None:
            entry.value = value


def _show_definitions(plugin: Image, count: int) -> None:
    """Make the reserve of version definitions the section that linkers and tools look for."""
    section = plugin.section(".epy.gnu.version_d")
    section.name += len(".epy")
    section.type = SHT_GNU_VERDEF
    section.size = DEFINITION_SIZE * count
    section.link = plugin.section_index(".dynstr")
    section.info = count


def _renew_build_id(plugin: Image) -> None:
    """Tools that cache by build-id (perf, debuggers) must not take two plugins for one."""
    note = plugin.section(".note.gnu.build-id")
    end = note.offset + note.size
    digest = hashlib.sha1(plugin.data, usedforsecurity=False).digest()
    ctypes.memmove(
        (ctypes.c_char * BUILD_ID_SIZE).from_buffer(plugin.data, end - BUILD_ID_SIZE),
        digest,
        BUILD_ID_SIZE,
    )


def _pad(data: bytearray, alignment: int) -> None:
    data += bytes(-len(data) % max(alignment, 1))
