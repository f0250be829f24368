"""Constructs that make headers hard to read, one to a file: epy has of each what gcc has."""

import ctypes
import sys
from pathlib import Path

import pytest

import epy

sys.path.insert(0, str(Path(__file__).parent))
from check import check

HERE = Path(__file__).parent / "constructs"
FILES = sorted(path.name for path in HERE.iterdir())

# What must be there, with its value; a function's with 3, 4... as arguments.
VALUES = {
    "stringification": {"THREE": b"3"},
    "unsigned_constant": {"INVALID": 2**32 - 1},
    "wide_characters": {"EURO": 0x20AC, "SIGN": "€", "LETTER": 97},
    "mixed_signs": {"MIXED": 2**32 - 1, "LESS": 0},
    "float_constants": {"TENTH": ctypes.c_float(0.1).value, "HALF": 0.5, "LONG": 0.1},
    "predefined_macros": {"HAS_SSE2": 1},
    "size_of_a_table": {"COUNT": 3},
    "suffixes": {
        "A": 10,
        "B": 3,
        "C": 2**31,
        "D": 2**31,
        "E": 2**32,
        "F": 511,
        "G": -(2**31),
        "H": 2**31,
    },
    "undefined_again": {"TWICE": 2},
    "pushed_macro": {"LEVEL": 1, "SAME": 1},
    "macro_that_casts": {"BYTE": 3, "WORD": 772, "LARGER": 4},
    "inline_function": {"twice": 6},
    "inline_by_macro": {"twice_stack": 6, "number": 7, "thrice": 9},
    "crlf": {"TWO": 2},
    "ioctl_numbers": {"CRIOGET": 0xC0046365},
    "string_macros": {"PREPOST": b"before after"},
    "typed_constants": {"ONE": 1},
    "texts_of_variables": {
        "ZERO": b"a\0b",
        "QUOTED": b'a = "b"\x801',
        "POINTER": b"ab",
        "WIDE": "€b",
        "WIDE_POINTER": "ab",
    },
    "wide_characters_in_macros": {"IS_EURO": 0, "LESS": 0, "BEFORE": 2},
    "enum_of_char": {"MINUS": -1, "LETTER": 120, "BELOW": -2, "ON": 1},
}
# What of a header must not be there, and why.
REFUSED = {
    "int128_constants": {"BIG": "no constant", "LARGE": "static variable"},
    "suffixes_of_others": {
        "HALF_OF": "has the number 0.5f16",
        "TWICE": "has the number 2.0Q",
        "TURNED": "has the number 1.0i",
    },
    "no_characters": {
        "BEYOND": "has 0x110000, which is no character",
        "HALF": "has 0xd800",
        "WIDE": "has 0x7fffffff",
        "WIDE_HALF": "has 0xd800",
    },
}


@pytest.mark.parametrize("name", FILES)
def test_a_construct_means_what_it_means_to_compilers(name: str) -> None:
    count, wrong = check([name], include=[str(HERE)])
    assert (count > 0, wrong) == (True, [])


@pytest.mark.parametrize("name", VALUES)
def test_a_construct_has_its_value(name: str) -> None:
    host = epy.header(f"{name}.h", include=[HERE])
    for key, value in VALUES[name].items():
        found = getattr(host, key)
        if callable(found):
            found = found(*range(3, 3 + found.__code__.co_argcount))
        assert (key, found, type(found)) == (key, value, type(value))


@pytest.mark.parametrize("name", REFUSED)
def test_what_python_cannot_hold_costs_itself_alone(name: str) -> None:
    host = epy.header(f"{name}.h", include=[HERE])
    for key, reason in REFUSED[name].items():
        with pytest.raises(epy.HeaderNameError, match=reason):
            getattr(host, key)
    assert ctypes.sizeof(host.struct.s) == 4


def test_members_of_an_enum_of_characters_are_numbers() -> None:
    host = epy.header("enum_of_char.h", include=[HERE])
    found = host.struct.s(a=-1, b=-1, c=-2, d=1)
    assert (found.a, found.b, found.c, found.d) == (-1, -1, -2, 1)


def test_bits_of_characters_have_their_sign() -> None:
    found = epy.header("char_bit_fields.h", include=[HERE]).struct.s(a=-1, b=-1, c=-1, d=7)
    assert (found.a, found.b, found.c, found.d) == (-1, -1, -1, 7)


def test_a_name_that_is_undefined_in_the_end_is_not_there() -> None:
    with pytest.raises(epy.HeaderNameError, match="declares no name GONE"):
        _ = epy.header("undefined_again.h", include=[HERE]).GONE


def test_a_macro_may_call_a_function_that_a_macro_wrote() -> None:
    host = epy.header("inline_by_macro.h", include=[HERE])
    assert host.count_of(ctypes.pointer(host.struct.stack(5))) == 5


def test_a_macro_that_calls_or_reads_memory_is_a_function() -> None:
    host = epy.header("""
        struct foo { int bar; struct foo *next; };
        int abs(int); char *getenv(const char *);
        #define GET_BAR(x) (((struct foo *)(x))->bar)
        #define NEXT_BAR(x) ((x)->next->bar + 1)
        #define LENGTH(x) (abs(x) + (int)sizeof(struct foo))
        #define SECOND(x) ((x)[1])
        static inline int bar_of(struct foo *x) { return x ? x->bar : -1; }
    """)
    inner = host.struct.foo(bar=5)
    outer = host.struct.foo(bar=7, next=inner)
    pointer = ctypes.pointer(outer)
    assert (host.GET_BAR(pointer), host.NEXT_BAR(pointer)) == (7, 6)
    assert host.GET_BAR(ctypes.addressof(outer)) == 7
    assert (host.LENGTH(-2), host.SECOND((ctypes.c_int * 2)(1, 2))) == (18, 2)
    assert (host.bar_of(pointer), host.bar_of(None)) == (7, -1)
