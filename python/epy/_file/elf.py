"""Typed views of an ELF file's bytes: what the stamper writes and `epy inspect` reads.

Every access is bounds-checked, so that a damaged file ends in a PluginFormatError. Fields have the
names of elf.h without their prefixes.
"""

from ctypes import Array, Structure, c_char, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, sizeof
from typing import Annotated, TypeVar

from .._errors import PluginFormatError

U8 = Annotated[int, c_uint8]
U16 = Annotated[int, c_uint16]
U32 = Annotated[int, c_uint32]
U64 = Annotated[int, c_uint64]
I64 = Annotated[int, c_int64]

PT_LOAD, PT_DYNAMIC = 1, 2
SHT_NULL, SHT_NOBITS = 0, 8
SHT_GNU_VERDEF = 0x6FFFFFFD
SHF_ALLOC = 2
DT_RELA, DT_RELASZ, DT_SONAME, DT_RELACOUNT = 7, 8, 14, 0x6FFFFFF9
DT_VERDEFNUM = 0x6FFFFFFD
VER_NDX_GLOBAL = 1
R_X86_64_RELATIVE = 8
EM_X86_64 = 62

STUB_EAGER, STUB_BARE, STUB_OWN_GIL = 2, 4, 8
FIRST_WITH_OWN_GIL = 4  # contract

ErrorValue = c_uint64 * 2

S = TypeVar("S", bound=Structure)


def _view(view: type[S]) -> type[S]:
    """Make the annotations of a class the fields of a ctypes structure."""
    view._fields_ = [
        (name, getattr(kind, "__metadata__", (kind,))[0])
        for name, kind in view.__annotations__.items()
    ]
    return view


@_view
class Header(Structure):
    magic: Annotated[bytes, c_char * 4]
    bits: U8
    byte_order: U8
    ident: Annotated[bytes, c_char * 10]
    type: U16
    machine: U16
    version: U32
    entry: U64
    phoff: U64
    shoff: U64
    flags: U32
    ehsize: U16
    phentsize: U16
    phnum: U16
    shentsize: U16
    shnum: U16
    shstrndx: U16


@_view
class Segment(Structure):
    type: U32
    flags: U32
    offset: U64
    vaddr: U64
    paddr: U64
    filesz: U64
    memsz: U64
    align: U64


@_view
class Section(Structure):
    name: U32
    type: U32
    flags: U64
    addr: U64
    offset: U64
    size: U64
    link: U32
    info: U32
    addralign: U64
    entsize: U64


@_view
class Dynamic(Structure):
    tag: I64
    value: U64


@_view
class Relocation(Structure):
    offset: U64
    info: U64
    addend: I64


@_view
class Extent(Structure):
    address: U64
    size: U64


@_view
class StubInfo(Structure):
    """`stub_info` (stub/stub.h). What is newer than its contract means nothing."""

    magic: Annotated[bytes, c_char * 16]
    contract: U32
    flags: U32
    self: U64
    resolver: U64
    slot_capacity: U32
    slots_used: U32
    trampolines: Extent
    slots: Extent
    records: Extent
    symbols: Extent
    strings: Extent
    hash: Extent
    versions: Extent
    definitions: Extent
    symbols_used: U32
    strings_used: U32
    archive: Extent
    loader_path: U64
    libpython_path: U64
    executable_path: U64
    kept: Annotated[bytes, c_char * 16]
    next_function: U64
    errors: Extent
    data: Extent
    files: U64
    data_checksum: U32
    records_checksum: U32
    start_checksum: U32
    module_init: U32
    pack: Extent


@_view
class Record(Structure):
    """`record` (stub/stub.h)."""

    code: U64
    owner: U64
    index: U32
    result: U8
    points: U8
    reserved: Annotated[bytes, c_char * 2]
    error: Annotated[Array[c_uint64], ErrorValue]
    error_size: U64


def offset_of(view: type[Structure], field: str) -> int:
    return int(getattr(view, field).offset)


class Image:
    """The bytes of a 64-bit x86 ELF file and views into them."""

    def __init__(self, data: bytearray, name: str) -> None:
        self.data = data
        self.name = name
        if data[:4] != b"\x7fELF":
            raise self.problem("not an ELF file; `epy build` makes plugins")
        self.header = self.view(Header, 0)
        if (self.header.bits, self.header.byte_order, self.header.machine) != (2, 1, EM_X86_64):
            raise self.problem("for another machine than x86-64; build it there")
        self.segments = self.views(Segment, self.header.phoff, self.header.phnum)
        self.sections = self.views(Section, self.header.shoff, self.header.shnum)

    def problem(self, text: str) -> PluginFormatError:
        return PluginFormatError(f"{self.name}: {text}")

    def view(self, kind: type[S], offset: int) -> S:
        if offset + sizeof(kind) > len(self.data):
            raise self.problem("truncated; build or copy it again")
        return kind.from_buffer(self.data, offset)

    def views(self, kind: type[S], offset: int, count: int) -> list[S]:
        return [self.view(kind, offset + i * sizeof(kind)) for i in range(count)]

    def offset(self, address: int, size: int) -> int:
        """Where the file has the bytes of [address, address + size)."""
        for segment in self.segments:
            distance = address - segment.vaddr
            if segment.type == PT_LOAD and 0 <= distance and distance + size <= segment.filesz:
                offset = segment.offset + distance
                if offset + size <= len(self.data):
                    return offset
        raise self.problem(f"truncated or damaged: nothing at address {address:#x}; build it again")

    def bytes_at(self, address: int, size: int) -> bytes:
        start = self.offset(address, size)
        return bytes(self.data[start : start + size])

    def text_at(self, address: int) -> bytes:
        """The NUL-terminated text at `address`, without the NUL."""
        start = self.offset(address, 1)
        end = self.data.find(b"\0", start)
        if end < 0:
            raise self.problem("truncated; build or copy it again")
        return bytes(self.data[start:end])

    def section_name(self, section: Section) -> bytes:
        names = self.sections[self.header.shstrndx].offset if self.header.shstrndx else 0
        start = names + section.name
        return bytes(self.data[start : self.data.find(b"\0", start)])

    def section(self, name: str) -> Section:
        """The section of that name."""
        return self.sections[self.section_index(name)]

    def section_index(self, name: str) -> int:
        if self.header.shstrndx < len(self.sections):
            for index, section in enumerate(self.sections):
                if self.section_name(section) == name.encode():
                    return index
        raise self.problem(f"no epy plugin: it has no section {name}; `epy build` makes plugins")

    def dynamic(self, tag: int) -> Dynamic | None:
        """The entry of .dynamic with this tag."""
        for segment in self.segments:
            if segment.type == PT_DYNAMIC:
                entries = self.views(Dynamic, segment.offset, segment.filesz // sizeof(Dynamic))
                return next((entry for entry in entries if entry.tag == tag), None)
        return None

    def info(self) -> StubInfo:
        info = self.view(StubInfo, self.section(".epy.info").offset)
        if info.magic != b"epy plugin stub":
            raise self.problem("damaged; build or copy it again")
        return info
