"""The contract between stub, stamper and loader: Python has the numbers of stub/*.h."""

from __future__ import annotations

import re
from ctypes import Structure, sizeof
from pathlib import Path

import pytest

from epy._file import elf, tail
from epy._file.elf import Record, StubInfo, offset_of

STUB = Path(__file__).parents[2] / "stub"
DEFINED = {
    name: int(value)
    for name, value in re.findall(
        r"^#define (EPY_\w+) (\d+)\b", (STUB / "layout.h").read_text(), re.MULTILINE
    )
}
CONTRACT = (STUB / "stub.h").read_text()


def number(text: str) -> int:
    return DEFINED[text] if text in DEFINED else int(text)


@pytest.mark.parametrize(("name", "view"), [("record", Record), ("stub_info", StubInfo)])
def test_each_field_lies_where_the_stub_has_it(name: str, view: type[Structure]) -> None:
    asserted = re.findall(rf"offsetof\({name}, (\w+)\) == (\w+)\)", CONTRACT)
    assert {field: offset_of(view, field) for field, *_ in view._fields_} == {
        field: number(offset) for field, offset in asserted
    }
    (size,) = re.findall(rf"static_assert\(sizeof\({name}\) == (\w+)\)", CONTRACT)
    assert sizeof(view) == number(size)


def test_flags_and_sizes_are_those_of_the_stub() -> None:
    flags = {name: int(bit) for name, bit in re.findall(r"^ +stub_(\w+) = (\d+),", CONTRACT, re.M)}
    assert flags == {"sealed": 1, "eager": elf.STUB_EAGER, "bare": elf.STUB_BARE}
    assert tail.TRAMPOLINE_SIZE == DEFINED["EPY_TRAMPOLINE_SIZE"]
