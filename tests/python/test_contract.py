"""The contract between stub, stamper and loader: Python has the numbers of stub/*.h."""

from __future__ import annotations

import re
from ctypes import Structure, sizeof
from pathlib import Path

import pytest

from epy._file import elf, tail
from epy._file.elf import Record, StubInfo, offset_of

PROJECT = Path(__file__).parents[2]
STUB = PROJECT / "stub"
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
    assert flags == {
        "sealed": 1,
        "eager": elf.STUB_EAGER,
        "bare": elf.STUB_BARE,
        "own_gil": elf.STUB_OWN_GIL,
    }
    assert tail.TRAMPOLINE_SIZE == DEFINED["EPY_TRAMPOLINE_SIZE"]


def names_in(folder: str, pattern: str, word: str) -> set[str]:
    """The files that have a word, comments left out."""
    files = (PROJECT / folder).rglob(pattern)
    code = re.compile(rf"^(?:(?!//|# ).)*{word}", re.MULTILINE)
    return {path.name for path in files if code.search(path.read_text())}


def test_what_ctypes_keeps_private_is_named_in_one_file_on_each_side() -> None:
    own = r'"_(?:objects|fields_|type_|length_|flags_|argtypes_|restype_|obj|b_base_)"'
    assert names_in("loader/core", "*.*", own) == {"ctypes_library.h"}
    assert names_in("loader/core", "*.*", "_pointer_type_cache") == {"ctypes_library.h"}
    assert names_in("python/epy", "*.py", r"_(?:pointer_type|c_functype)_cache") == {"_types.py"}


def test_versions_of_python_are_asked_for_in_one_file() -> None:
    assert names_in("loader/core", "*.h", "PY_VERSION_HEX") == {"cpython.h"}
    assert names_in("loader/core", "*.cpp", "PY_VERSION_HEX") == set()
    # C files take CPython's internal headers, which are no C++: the list there has them.
    relied_on = (PROJECT / "loader/core/cpython.h").read_text()
    for path in (PROJECT / "loader/core").rglob("*.c"):
        assert f"/{path.name}: " in relied_on
