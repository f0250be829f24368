"""A damaged plugin is refused with one line, by its host's first call and by `epy inspect`."""

from __future__ import annotations

from pathlib import Path

import pytest

from epy._file.elf import Image, Record, StubInfo

SCRIPT = """
import epy
from ctypes import c_char_p, c_int

counter = epy.export_data("counter", c_int(41))

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=b"sorry")
def say(text: c_char_p) -> c_char_p:
    return text.upper()

@epy.export(error=-2)
def count() -> c_int:
    return counter.value
"""

CALLS = ("int add 2 3", "text say hi", "int count")


@pytest.fixture
def plugin(build_plugin) -> Path:
    return build_plugin(SCRIPT)


def load(plugin: Path) -> Image:
    return Image(bytearray(plugin.read_bytes()), str(plugin))


def flip(plugin: Path, address: int) -> None:
    """Another value for one byte of the mapped image."""
    image = load(plugin)
    image.data[image.offset(address, 1)] ^= 0x40
    plugin.write_bytes(image.data)


def places(info: StubInfo) -> dict[str, int]:
    """An address in each part that is read from a plugin."""
    offset = {name: info.self + getattr(StubInfo, name).offset for name, _ in StubInfo._fields_}
    return {
        "slots": offset["slots"],
        "records": offset["records"] + 1,
        "archive's address": offset["archive"] + 6,
        "archive's size": offset["archive"] + 8,
        "counts": offset["slots_used"],
        "strings": offset["strings"] + 9,
        "checksum": offset["start_checksum"],
        "libpython": info.libpython_path,
        "manifest": info.archive.address + 40,
        "code": info.archive.address + info.archive.size - 60,
    }


@pytest.mark.parametrize("part", places(StubInfo()))
def test_one_byte_is_one_line_and_the_error_values(plugin, native, run, mistake, part):
    flip(plugin, places(load(plugin).info())[part])
    result = run(native("call"), f"open {plugin}", *CALLS, "close")
    if part in ("slots", "records", "counts"):  # what the records are is not known either
        assert result.stdout.splitlines() in (["-1", "sorry", "-2"], ["0", "NULL", "0"])
    else:
        assert result.stdout.splitlines() == ["-1", "sorry", "-2"]
    assert result.stderr == f"epy: {plugin}: is damaged; build it again with 'epy build'\n"
    assert mistake("inspect", plugin) == f"{plugin}: is damaged; build it again with 'epy build'"


def test_where_stub_info_says_that_it_is(plugin, native, run):
    info = load(plugin).info()
    flip(plugin, info.self + StubInfo.self.offset + 2)
    result = run(native("call"), f"open {plugin}", *CALLS, "close")
    assert result.stdout.splitlines() == ["-1", "sorry", "-2"]
    assert result.stderr == f"epy: {plugin}: is damaged; build it again with 'epy build'\n"


@pytest.mark.parametrize("field", [20, 40])  # how the value travels, its size
def test_error_values_that_are_damaged_are_zero(plugin, native, run, field):
    info = load(plugin).info()
    flip(plugin, info.records.address + field)
    result = run(native("call"), f"open {plugin}", *CALLS)
    assert result.stdout.splitlines() == ["0", "NULL", "0"]
    assert "is damaged" in result.stderr


def test_a_damaged_error_text_is_no_error_text(plugin, native, run):
    flip(plugin, load(plugin).info().errors.address + 5)  # its end
    result = run(native("call"), f"open {plugin}", *CALLS)
    assert result.stdout.splitlines() == ["0", "NULL", "0"]


@pytest.mark.parametrize("options", [("--eager",), ("--editable",)])
def test_in_every_mode(build_plugin, native, run, options):
    plugin = build_plugin(SCRIPT, *options)
    flip(plugin, load(plugin).info().archive.address + 30)
    result = run(native("call"), f"open {plugin}", "int add 2 3")
    assert result.stdout == "-1\n"
    assert "is damaged" in result.stderr


def test_a_bare_plugin(epy, native, run, tmp_path):
    plugin = tmp_path / "synth.so"
    (tmp_path / "synth.py").write_text(SCRIPT)
    epy("stub", "-o", plugin)
    flip(plugin, load(plugin).info().executable_path)
    result = run(native("call"), f"open {plugin}", "find add")
    assert result.stdout == "add: no\n"
    assert result.stderr == f"epy: {plugin}: is damaged; build it again with 'epy build'\n"


def test_records_are_known_to_be_damaged_without_a_loader(plugin, native, run):
    info = load(plugin).info()
    flip(plugin, info.loader_path + 2)
    assert run(native("call"), f"open {plugin}", "int add 2 3").stdout == "-1\n"
    flip(plugin, info.records.address + 40)
    assert run(native("call"), f"open {plugin}", "int add 2 3").stdout == "0\n"


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_data_belongs_to_the_host(plugin, compile_c, run, epy, mistake):
    """It may write there before its first call; `inspect` reads the file."""
    host = compile_c(
        r"""
        #include <dlfcn.h>
        #include <stdio.h>
        int main(int count, char **arguments) {
            void *plugin = dlopen(arguments[1], RTLD_NOW);
            int *counter = dlsym(plugin, "counter");
            int (*value)(void) = dlsym(plugin, "count");
            *counter += 1;
            printf("%d\n", value());
        }
        """
    )
    assert run(host, plugin).stdout == "42\n"
    epy("inspect", plugin)
    flip(plugin, load(plugin).info().data.address)
    assert run(host, plugin).stdout == f"{(41 ^ 0x40) + 1}\n"
    assert "is damaged" in mistake("inspect", plugin)


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_a_plugin_of_the_first_contract_is_served(plugin, native, run, epy):
    """It has no checksums, and its records no mark."""
    image = load(plugin)
    info = image.info()
    info.contract = 1
    info.errors = info.data = type(info.errors)(0, 0)
    info.start_checksum = info.records_checksum = info.data_checksum = 0
    records = image.views(Record, image.offset(info.records.address, info.records.size), 2)
    records[1].points = 0
    plugin.write_bytes(image.data)
    result = run(native("call"), f"open {plugin}", *CALLS, "close")
    assert (result.stdout.splitlines(), result.stderr) == (["5", "HI", "41"], "")
    assert "count" in epy("inspect", plugin).stdout


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_a_stripped_plugin_is_not_damaged(plugin, native, run, epy):
    run("strip", plugin)
    epy("inspect", plugin)
    result = run(native("call"), f"open {plugin}", *CALLS)
    assert result.stdout.splitlines() == ["5", "HI", "41"]


@pytest.mark.once("addresses of dropped callbacks, 4,096 of them, keep their error values")
def test_data_files_are_not_read_before_a_script_asks(tmp_path, epy, native, run, mistake):
    """Large ones cost a start nothing; `inspect` reads all."""
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text(SCRIPT)
    (package / "table.bin").write_bytes(b"0123456789" * 1000)
    epy("build", package, "-o", "pack.so")
    plugin = tmp_path / "pack.so"
    info = load(plugin).info()
    assert info.files > 10_000
    epy("inspect", plugin)
    flip(plugin, info.archive.address + info.archive.size - 100)
    assert run(native("call"), f"open {plugin}", "int add 2 3").stdout == "5\n"
    assert "is damaged" in mistake("inspect", plugin)
