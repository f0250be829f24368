"""Stamping: what tools and the dynamic linker find in a plugin's file."""

import os
import stat
import struct
from ctypes import sizeof
from io import BytesIO

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerSymSection

from epy import StampError
from epy._file.elf import ErrorValue, Image, Record, offset_of
from epy._file.stamp import Data, Settings, stamp, write
from epy._file.tables import STUB, Tables
from epy._file.tail import SLOT_SIZE, TRAMPOLINE_SIZE, Block, BlockPointer, Slot, SlotPointer

SETTINGS = Settings(0, "/lib/libepy.so", "/lib/libpython3.so", "/bin/python3")
LONG = "long_" + "x" * 495


def make(slots=(), blocks=(), data=(), archive=b"", settings=SETTINGS, soname="plugin.so"):
    return stamp(soname, settings, list(slots), list(blocks), list(data), lambda _: archive)


def elf(plugin):
    return ELFFile(BytesIO(plugin))


def symbols(plugin):
    return {
        symbol.name: symbol
        for symbol in elf(plugin).get_section_by_name(".dynsym").iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name != "epy_plugin_api"  # the stub's own
    }


def relative(plugin):
    """Place -> value of the RELATIVE relocations."""
    table = elf(plugin).get_section_by_name(".rela.dyn")
    return {
        entry["r_offset"]: entry["r_addend"]
        for entry in table.iter_relocations()
        if entry["r_info_type"] == 8
    }


def dynamic(plugin, tag):
    tags = elf(plugin).get_section_by_name(".dynamic").iter_tags(tag)
    return next(tags, None)


def test_functions_are_at_the_trampolines_of_their_slots():
    plugin = make([Slot("add"), Slot(None), Slot("größe"), Slot(LONG)])
    found = symbols(plugin)
    assert set(found) == {"add", "größe", LONG}
    start = elf(plugin).get_section_by_name(".epy.trampolines")
    for name, slot in (("add", 0), ("größe", 2), (LONG, 3)):
        symbol = found[name]
        assert symbol["st_value"] == start["sh_addr"] + TRAMPOLINE_SIZE * slot
        assert symbol["st_size"] == TRAMPOLINE_SIZE
        assert symbol["st_info"] == {"bind": "STB_GLOBAL", "type": "STT_FUNC"}
        assert elf(plugin).get_section(symbol["st_shndx"]).name == start.name


def test_records_lead_to_the_resolver_and_hold_the_error_value():
    error = struct.pack("<qd", 0, -7.5)
    plugin = make([Slot("first"), Slot("second", 2, error)])
    image = Image(bytearray(plugin), "plugin")
    info = image.info()
    assert (info.slots_used, info.records.size) == (2, 2 * sizeof(Record))
    places = relative(plugin)
    for slot in (0, 1):
        record = info.records.address + sizeof(Record) * slot
        assert places[info.slots.address + SLOT_SIZE * slot] == record
        assert places[record] == info.resolver
        assert places[record + offset_of(Record, "owner")] == info.self
    record = image.bytes_at(info.records.address + sizeof(Record), sizeof(Record))
    places = (info.resolver, info.self)  # link-time addresses, for the checksum
    assert record == bytes(Record(*places, 1, 2, 0, b"", ErrorValue.from_buffer_copy(error), 0))


def test_data_has_its_bytes_and_pointers():
    blocks = [
        Block(b"A" * 8 + bytes(16), 8, [(8, SlotPointer(1)), (16, BlockPointer(1, 3))]),
        Block(b"text\0", 1, []),
        Block(b"page", 4096, []),
    ]
    data = [Data("info", 0, 24), Data("page", 2, 4)]
    plugin = make([Slot("f"), Slot(None)], blocks, data)
    image = Image(bytearray(plugin), "plugin")
    found = symbols(plugin)
    info, page = found["info"], found["page"]
    assert info["st_info"]["type"] == "STT_OBJECT"
    assert info["st_size"] == 24
    assert elf(plugin).get_section(info["st_shndx"]).name == ".epy.data"
    assert info["st_value"] % 64 == page["st_value"] % 4096 == 0
    assert image.bytes_at(info["st_value"], 8) == b"A" * 8
    places = relative(plugin)
    trampolines = image.info().trampolines.address
    assert places[info["st_value"] + 8] == trampolines + TRAMPOLINE_SIZE
    assert image.bytes_at(places[info["st_value"] + 16], 2) == b"t\0"


def test_settings_and_archive_are_in_the_image():
    archive = b"hello" * 40000
    plugin = make([Slot("f")], archive=archive)
    image = Image(bytearray(plugin), "plugin")
    info = image.info()
    assert image.text_at(info.loader_path) == b"/lib/libepy.so"
    assert image.text_at(info.libpython_path) == b"/lib/libpython3.so"
    assert image.text_at(info.executable_path) == b"/bin/python3"
    assert image.bytes_at(info.archive.address, info.archive.size) == archive
    assert elf(plugin).get_section_by_name(".epy.archive").data() == archive


def test_the_archive_is_told_where_data_lie():
    told = []

    def archive(addresses):
        told.extend(addresses)
        return b""

    blocks = [Block(b"a", 1, []), Block(b"b", 1, [])]
    plugin = stamp("p.so", SETTINGS, [], blocks, [Data("b", 1, 1)], archive)
    assert symbols(plugin)["b"]["st_value"] == told[1]


def test_relative_relocations_come_first_and_are_counted():
    plugin = make([Slot("f")], [Block(bytes(8), 8, [(0, SlotPointer(0))])], [Data("d", 0, 8)])
    table = elf(plugin).get_section_by_name(".rela.dyn")
    types = [entry["r_info_type"] for entry in table.iter_relocations()]
    count = types.count(8)
    assert types[:count] == [8] * count
    assert dynamic(plugin, "DT_RELACOUNT").entry.d_val == count
    assert dynamic(plugin, "DT_RELA").entry.d_ptr == table["sh_addr"]
    assert dynamic(plugin, "DT_RELASZ").entry.d_val == table["sh_size"]
    stub = elf(STUB.read_bytes()).get_section_by_name(".rela.dyn")
    assert len(types) == stub.num_relocations() + 3 + 1


def test_section_headers_agree_with_the_segments():
    plugin = make([Slot("f")], archive=b"x" * 5000)
    file = elf(plugin)
    assert file.get_section_by_name(".shstrtab") is not None
    loads = [segment for segment in file.iter_segments() if segment["p_type"] == "PT_LOAD"]
    for section in file.iter_sections():
        if section["sh_flags"] & 2 and section["sh_type"] != "SHT_NOBITS":
            assert any(
                load["p_vaddr"] <= section["sh_addr"]
                and section["sh_addr"] + section["sh_size"] <= load["p_vaddr"] + load["p_filesz"]
                and section["sh_addr"] - load["p_vaddr"] == section["sh_offset"] - load["p_offset"]
                for load in loads
            ), section.name
    last = max(loads, key=lambda load: load["p_vaddr"])
    assert last["p_filesz"] == last["p_memsz"]


def test_every_name_has_the_default_version():
    plugin = make([Slot("f"), Slot("g")])
    versions = elf(plugin).get_section_by_name(".gnu.version")
    assert isinstance(versions, GNUVerSymSection)
    table = elf(plugin).get_section_by_name(".dynsym")
    assert versions.num_symbols() == table.num_symbols()


def test_soname_is_the_output_s():
    assert dynamic(make(soname="größe.so"), "DT_SONAME").soname == "größe.so"


def test_build_id_depends_on_the_contents():
    def build_id(plugin):
        (note,) = elf(plugin).get_section_by_name(".note.gnu.build-id").iter_notes()
        return note["n_desc"]

    one, two = make([Slot("f")]), make([Slot("g")])
    assert len({build_id(one), build_id(two), build_id(STUB.read_bytes())}) == 3
    assert make([Slot("f")]) == one


def test_a_thousand_names_fit():
    names = [f"export_number_{i}" for i in range(1024)]
    plugin = make([Slot(name) for name in names])
    assert set(symbols(plugin)) == set(names)


def test_a_small_plugin_is_small():
    assert len(make([Slot(f"f{i}") for i in range(10)])) <= 160 << 10


def test_too_many_functions_say_how_many_fit():
    with pytest.raises(StampError, match=r"room for 1024; .*two plugins"):
        make([Slot(None)] * 1025)


def test_too_many_names_say_how_many_fit():
    data = [Data(f"d{i}", 0, 1) for i in range(1057)]
    with pytest.raises(StampError, match=r"1057 names, .* room for \d+; .*two plugins"):
        make([], [Block(b"x", 1, [])], data)


def test_too_long_names_say_what_fits():
    with pytest.raises(StampError, match=r"take \d+ bytes, .* room for \d+; use fewer or shorter"):
        make([Slot(f"{i}_{LONG}") for i in range(200)])


def test_a_name_twice_is_refused():
    with pytest.raises(StampError, match="'f'"):
        make([Slot("f"), Slot("f")])


def test_a_plugin_passes_its_own_check_also_when_stripped(tmp_path, run):
    path = tmp_path / "plugin.so"
    write(path, make([Slot("f")], archive=b"archive"))
    run("strip", "--strip-all", path)
    image = Image(bytearray(path.read_bytes()), "plugin")
    Tables(image).check()
    info = image.info()
    assert image.bytes_at(info.archive.address, info.archive.size) == b"archive"
    names = run("nm", "-D", "--defined-only", path).stdout.split()[2::3]
    assert sorted(names) == ["epy_plugin_api", "f"]


def test_write_replaces_in_one_step(tmp_path):
    path = tmp_path / "plugin.so"
    path.write_bytes(b"old")
    with path.open("rb") as old:
        write(path, b"new")
        assert old.read() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["plugin.so"]


def test_write_respects_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "plugin.so", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "plugin.so").stat().st_mode) == 0o750


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "plugin.so"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["plugin.so"]


def test_only_files_are_replaced(tmp_path):
    with pytest.raises(StampError, match="not a file"):
        write(tmp_path, b"new")


HOST = """
#include <stdio.h>
struct info { int n; const char *name; int (*function)(int); struct info *next; };
extern struct info info;
int main(void) {
    printf("%d %s %d %d\\n", info.n, info.name, info.next == &info, info.function != 0);
    return 0;
}
"""


@pytest.mark.parametrize("kind", ["-pie", "-no-pie"])
def test_data_is_complete_before_any_code_of_the_plugin_runs(tmp_path, compile_c, run, kind):
    pointers = [(8, BlockPointer(1, 0)), (16, SlotPointer(0)), (24, BlockPointer(0, 0))]
    blocks = [Block(struct.pack("<q24x", 42), 8, pointers), Block(b"answer\0", 1, [])]
    plugin = make([Slot("f")], blocks, [Data("info", 0, 32)])
    write(tmp_path / "plugin.so", plugin)
    flags = ["-fPIE"] if kind == "-pie" else ["-fno-pie"]
    host = compile_c(HOST, *flags, kind, f"-L{tmp_path}", "-l:plugin.so", f"-Wl,-rpath,{tmp_path}")
    # A copied symbol is another object than the one that the plugin's own pointer leads to.
    assert run(host).stdout in ("42 answer 1 1\n", "42 answer 0 1\n")
