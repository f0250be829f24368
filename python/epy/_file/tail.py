"""The tail of a plugin: what the stamper puts behind the stub, in the stub's last segment.

    .rela.dyn     relocations: the stub's own, slots -> records, records -> code, pointers in data
    .epy.data     records, what their error values lead to, the bytes of exported data, texts
    .epy.archive  manifest and modules; what a plugin brings along of epy

Every relocation is R_X86_64_RELATIVE: the dynamic linker has applied it before any code of the
plugin runs, and before an executable copies data symbols into itself. Addresses are link-time ones.
Records hold theirs, too, for their checksum.
"""

import struct
from collections.abc import Iterator
from ctypes import sizeof
from typing import NamedTuple

from .elf import (
    DT_RELA,
    DT_RELASZ,
    PT_LOAD,
    R_X86_64_RELATIVE,
    ErrorValue,
    Image,
    Record,
    Relocation,
    Segment,
    StubInfo,
    offset_of,
)

TRAMPOLINE_SIZE = 16  # stub/layout.h
SLOT_SIZE = 8  # an address
DATA_ALIGNMENT = 64


class SlotPointer(NamedTuple):
    """A pointer to the trampoline of a slot."""

    slot: int


class BlockPointer(NamedTuple):
    """A pointer into a block."""

    block: int
    offset: int


class Slot(NamedTuple):
    """One entry of the jump table."""

    name: str | None  # None: of a callback that is no export
    result: int = 0  # how its error value travels: record.result
    error: bytes = bytes(16)  # record.error
    size: int = 0  # record.error_size
    pointers: tuple[tuple[int, SlotPointer | BlockPointer], ...] = ()  # in `error`, by offset
    version: str | None = None  # of the name


class Block(NamedTuple):
    """Bytes of data, and the pointers in them by offset."""

    data: bytes
    align: int
    pointers: list[tuple[int, SlotPointer | BlockPointer]]
    is_error: bool = False  # an error value leads to it


class Tail:
    """Where each part lies, known before the archive is written, and then the bytes."""

    def __init__(
        self, stub: Image, slots: list[Slot], blocks: list[Block], texts: list[bytes]
    ) -> None:
        self._info: StubInfo = stub.info()
        self._slots = slots
        self._blocks = blocks
        self._own = list(_relocations(stub))
        self._texts = b"".join(text + b"\0" for text in texts)
        count = len(self._own) + 3 * len(slots)
        count += sum(len(slot.pointers) for slot in slots)
        count += sum(len(block.pointers) for block in blocks)

        self.address = tail_segment(stub).vaddr
        self.relocations_size = sizeof(Relocation) * count
        self.data_address = _align(self.address + self.relocations_size, DATA_ALIGNMENT)
        self.records_address = self.data_address
        address = self.records_address + sizeof(Record) * len(slots)
        self.block_addresses = [0] * len(blocks)
        self.errors_address = address = _align(address, DATA_ALIGNMENT)
        # What has no pointers is the same in every process: it has the records' checksum.
        fixed = [block.is_error and not block.pointers for block in blocks]
        address = self._place(address, fixed)
        self.errors_size = address - self.errors_address
        self.blocks_address = address = _align(address, DATA_ALIGNMENT)
        address = self._place(address, [not one for one in fixed])
        self.blocks_size = address - self.blocks_address
        self._texts_address = address
        self.text_addresses: list[int] = []
        for text in texts:
            self.text_addresses.append(address)
            address += len(text) + 1
        self.data_size = address - self.data_address
        self.archive_address = _align(address, DATA_ALIGNMENT)

    def _place(self, address: int, chosen: list[bool]) -> int:
        """Give the chosen blocks their addresses; returns where they end."""
        for index, block in enumerate(self._blocks):
            if chosen[index]:
                address = _align(address, max(block.align, DATA_ALIGNMENT))
                self.block_addresses[index] = address
                address += len(block.data)
        return address

    def trampoline(self, slot: int) -> int:
        return self._info.trampolines.address + TRAMPOLINE_SIZE * slot

    def pack_address(self, archive: bytes) -> int:
        return _align(self.archive_address + len(archive), DATA_ALIGNMENT)

    def contents(self, archive: bytes, pack: bytes) -> tuple[bytearray, int]:
        """The bytes of the tail, and how many of its relocations are RELATIVE."""
        tail = bytearray(self.archive_address - self.address) + archive
        if pack:
            tail += bytes(self.pack_address(archive) - self.address - len(tail)) + pack
        relative: list[tuple[int, int]] = []
        for index, slot in enumerate(self._slots):
            record = self.records_address + sizeof(Record) * index
            error = bytearray(slot.error)
            relative.append((self._info.slots.address + SLOT_SIZE * index, record))
            relative.append((record, self._info.resolver))
            relative.append((record + offset_of(Record, "owner"), self._info.self))
            points = 0
            for offset, target in slot.pointers:
                address = self._resolve(target)
                struct.pack_into("<Q", error, offset, address)
                points |= 1 << offset // 8
                relative.append((record + offset_of(Record, "error") + offset, address))
            places = (self._info.resolver, self._info.self)
            bits = ErrorValue.from_buffer(error)
            value = (index, slot.result, points, b"", bits, slot.size)
            self._put(tail, record, bytes(Record(*places, *value)))
        for block, start in zip(self._blocks, self.block_addresses, strict=True):
            self._put(tail, start, block.data)
            for offset, target in block.pointers:
                address = self._resolve(target)
                self._put(tail, start + offset, struct.pack("<Q", address))
                relative.append((start + offset, address))
        self._put(tail, self._texts_address, self._texts)

        # RELATIVE entries come first: DT_RELACOUNT promises it.
        table = [entry for entry in self._own if entry[1] == R_X86_64_RELATIVE]
        table += [(place, R_X86_64_RELATIVE, value) for place, value in relative]
        relative_count = len(table)
        table += [entry for entry in self._own if entry[1] != R_X86_64_RELATIVE]
        self._put(tail, self.address, b"".join(struct.pack("<QQq", *entry) for entry in table))
        return tail, relative_count

    def _put(self, tail: bytearray, address: int, data: bytes) -> None:
        start = address - self.address
        tail[start : start + len(data)] = data

    def _resolve(self, target: SlotPointer | BlockPointer) -> int:
        if isinstance(target, SlotPointer):
            return self.trampoline(target.slot)
        return self.block_addresses[target.block] + target.offset


def tail_segment(image: Image) -> Segment:
    """The last loaded segment: the one that can grow."""
    loaded = [segment for segment in image.segments if segment.type == PT_LOAD]
    return max(loaded, key=lambda segment: segment.vaddr)


def _relocations(stub: Image) -> Iterator[tuple[int, int, int]]:
    """(place, type and symbol, addend) of the relocations that the stub has itself."""
    table, size = stub.dynamic(DT_RELA), stub.dynamic(DT_RELASZ)
    if table is not None and size is not None:
        start = stub.offset(table.value, size.value)
        for entry in stub.views(Relocation, start, size.value // sizeof(Relocation)):
            yield entry.offset, entry.info, entry.addend


def _align(address: int, alignment: int) -> int:
    return -(-address // alignment) * alignment
