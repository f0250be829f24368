"""`scalar_storage_order`: GCC's attribute and pragma for numbers in another byte order, which
Clang passes over."""

from __future__ import annotations

import pytest

import epy

ATTRIBUTES = [
    'struct __attribute__((scalar_storage_order("big-endian"))) it { int x; };',
    'struct it {\n int x; }\n __attribute__((packed, __scalar_storage_order__("big-endian")));',
    'typedef struct it { int x; } __attribute__((scalar_storage_order("big-endian"))) it;',
    '#define SWAPPED scalar_storage_order("big-endian")\n'
    "typedef struct { int x; } __attribute__((SWAPPED)) it;",
    'struct in { int x; } __attribute__((scalar_storage_order("big-endian")));\n'
    "struct it { struct in inner; };",
]
WHOLE = [
    "#pragma scalar_storage_order big-endian\nstruct it { int x; };\n",
    '_Pragma("scalar_storage_order big-endian") struct it { int x; };',
    'struct [[gnu::scalar_storage_order("big-endian")]] it { int x; };',
]
SAME = [
    'struct it { int x; } __attribute__((scalar_storage_order("little-endian")));',
    "#pragma scalar_storage_order default\nstruct it { int x; };\n",
]


@pytest.mark.parametrize("text", ATTRIBUTES)
def test_a_struct_of_another_byte_order_is_refused(text: str) -> None:
    host = epy.header(f"int other(struct it *);\n{text}")
    with pytest.raises(epy.HeaderNameError, match="its numbers in another byte order"):
        _ = host.it
    assert host.other.__name__ == "other"


@pytest.mark.parametrize("text", WHOLE)
def test_what_clang_does_not_tell_of_is_refused_whole(text: str) -> None:
    with pytest.raises(epy.HeaderError, match=r"<text>:1: numbers are in another byte order"):
        epy.header(text)


@pytest.mark.parametrize("text", SAME)
def test_the_usual_byte_order_changes_nothing(text: str) -> None:
    assert epy.header(text).it(x=5).x == 5
