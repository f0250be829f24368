"""Python's side of tests/signatures.txt: each line is a callback, called through ctypes."""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path
from typing import Any

import pytest

import epy
from epy._c.spelling import SPELLING
from epy._types import describe, split

FILE = Path(__file__).parents[1] / "signatures.txt"
LINES = [
    [part.strip() for part in line.split("|")]
    for line in FILE.read_text().splitlines()
    if line and not line.startswith("#")
]

SIMPLE: dict[str, Any] = {
    ctype._type_: ctype
    for ctype in vars(ctypes).values()
    if isinstance(ctype, type) and issubclass(ctype, ctypes._SimpleCData) and ctype.__module__
    if hasattr(ctype, "_type_")
}
OWN: dict[str, Any] = {
    # ctypes has no types of these two where long has 64 bits.
    "q": type("c_longlong", (ctypes._SimpleCData,), {"_type_": "q"}),
    "Q": type("c_ulonglong", (ctypes._SimpleCData,), {"_type_": "Q"}),
    "F": epy.c_float_complex,
    "D": epy.c_double_complex,
    "s": epy.c_str,
    "v": None,
}
STRUCTS: dict[str, Any] = {}


def ctype_of(code: str) -> Any:
    if code[0] != "{":
        return OWN[code] if code in OWN else SIMPLE[code]
    if code not in STRUCTS:
        fields = [(f"m{member[1:]}", SIMPLE[member[0]]) for member in code[1:-1].split(";")[1:]]
        STRUCTS[code] = type("Struct", (ctypes.Structure,), {"_fields_": fields})
    return STRUCTS[code]


def argument(ctype: Any, text: str) -> tuple[Any, Any]:
    """An argument with these bytes, and what keeps them alive."""
    keep = None
    data = bytes.fromhex(text.lstrip("*"))
    if text[0] == "*":
        keep = ctypes.create_string_buffer(data, len(data))
        data = struct.pack("P", ctypes.addressof(keep))
    return ctype.from_buffer_copy(data), keep


def bytes_of(result: Any, wanted: str) -> str:
    """The bytes of a ctypes object as the file writes them."""
    data = bytes(result)
    if wanted.startswith("*"):
        (address,) = struct.unpack("P", data)
        return "*" + ctypes.string_at(address, len(wanted) // 2).hex()
    if isinstance(result, ctypes.c_longdouble):
        data = data[:10] + bytes(6)
    return data.hex()


def plain(value: Any) -> Any:
    if isinstance(value, ctypes.Structure):
        return tuple(getattr(value, name) for name, _ in value._fields_)
    return value


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]} {line[3]}"[:60])
def test_a_call_through_c_gives_what_the_file_says(line, monkeypatch):
    codes, arguments, received, returned, wanted = line
    types = [ctype_of(code) for code in split(codes)]
    result, *parameters = types
    made = eval(returned)
    if isinstance(made, tuple):
        made = result(*made)
    seen: list[Any] = []
    errors: list[BaseException] = []
    monkeypatch.setattr(epy, "error_hook", lambda report: errors.append(report.exception))
    native = epy.callback(
        ctypes.CFUNCTYPE(result, *parameters), lambda *values: (seen.extend(values), made)[1]
    )

    # A subclass is what ctypes gives as it is.
    shown = result
    if result is not None:
        shown = type("Shown", (result,), {"_check_retval_": staticmethod(lambda value: value)})
    values = [argument(*pair) for pair in zip(parameters, arguments.split(), strict=True)]
    got = ctypes.CFUNCTYPE(shown, *parameters)(native.address)(*[value for value, _ in values])

    assert [repr(plain(value)) for value in seen] == [repr(value) for value in eval(received)]
    if wanted.endswith("Error"):
        assert [wanted in {base.__name__ for base in type(error).__mro__} for error in errors] == [
            True
        ]
    else:
        assert errors == []
        assert wanted == ("" if result is None else bytes_of(got, wanted))


def test_python_s_table_has_the_codes_of_the_file():
    """The core's test compares the same file with its own table."""
    codes = {code for line in LINES for code in split(line[0])}
    assert {code for code in codes if code[0] != "{"} == {*SPELLING, "v"} - {"O"}
    for code in codes:
        found, _ = describe(ctype_of(code))
        size = int(code[1:].split(",")[0]) if code[0] == "{" else 0
        assert found == (code if size <= 16 else f"{code.partition(';')[0]}}}")
