"""Random damage to what epy reads of a plugin: its host runs on, with values or error values.

Some plugins are damaged and then stamped with the checksums that fit, so that the checks behind
them are tried too. EPY_DAMAGES says how many plugins (100):

    EPY_DAMAGES=20000 pytest -q tests/python/test_damaged_hosts.py

Not damaged is what the dynamic loader and the processor read before epy: headers, .dynamic,
symbols, relocations, machine code; and what only a checksum can judge: error values, bytecode.
"""

from __future__ import annotations

import os
import random

import pytest

from epy import Error
from epy._command.inspect import describe
from epy._file.elf import Image, StubInfo
from epy._file.tables import Tables

DAMAGES = int(os.environ.get("EPY_DAMAGES", "100"))

SCRIPT = """
import epy
from ctypes import c_int

host = epy.header('''
struct point { int x; double y; struct point *next; int (*f)(int); };
enum color { RED, GREEN = 5 };
typedef struct point point;
point *origin(enum color c);
''')
counter = epy.export_data("counter", c_int(41))

@epy.constant
def table():
    return (1, "two", 3.0)

@epy.export(error=-1)
def add(a: c_int, b: c_int) -> c_int:
    return a + b

@epy.export(error=-2)
def count() -> c_int:
    return counter.value + len(table) + host.point(x=1).x

@host.export
def origin(c): return None
"""


def regions(info: StubInfo) -> list[tuple[int, int]]:
    """Address and size of what may be damaged; the first four also with fitting checksums."""
    first = info.self + StubInfo.contract.offset
    archive = info.archive.address
    return [
        (first, StubInfo.kept.offset - StubInfo.contract.offset),
        (info.self + StubInfo.errors.offset, 56),
        (archive, 700),  # the manifest
        (info.loader_path, 150),
        (info.records.address, info.records.size),
        (archive, info.archive.size),
    ]


def damage(data: bytearray, dice: random.Random, fitting: bool) -> bytearray:
    image = Image(bytearray(data), "plugin")
    places = regions(image.info())
    start = bytes(image.data).index(b"header ", image.offset(places[2][0], 1))
    size = bytes(image.data).index(b"end\n", start) - start
    files = [(image.offset(address, 1), length) for address, length in places]
    for _ in range(dice.randint(1, 4)):
        offset, length = dice.choice([*files[:4], (start, size)] if fitting else files)
        width = dice.choice([1, 1, 4, 8])
        at = offset + dice.randrange(max(length - width, 1)) // width * width
        number = dice.choice([0, 1, 0xFF, 1 << 31, 1 << 63, len(data), dice.getrandbits(64)])
        image.data[at : at + width] = number.to_bytes(8, "little")[:width]
    if fitting:
        try:
            Tables(image).stamp_checksums()
        except Error:
            pass  # the places are wrong already
    return image.data


@pytest.mark.parametrize("fitting", [False, True])
def test_no_damage_ends_the_host(build_plugin, native, run, tmp_path, fitting):
    original = bytearray(build_plugin(SCRIPT).read_bytes())
    damaged = tmp_path / "damaged.so"
    for seed in range(DAMAGES // 2):
        damaged.write_bytes(damage(original, random.Random(seed), fitting))
        calls = [f"open {damaged}", "int add 2 3", "int count", "close"]
        result = run(native("call"), *calls, status=None)
        assert result.returncode == 0, (seed, result.stderr)
        lines = result.stdout.splitlines()
        assert lines[:1] in (["5"], ["-1"], ["0"]) or fitting, (seed, result.stdout)
        if lines[:1] in (["-1"], ["0"]) and not fitting:
            assert str(damaged) in result.stderr, seed
        try:
            describe(damaged)
        except Error:
            pass
