"""Macros that are written for more than a value: with pragmas, and with half of a pair."""

from __future__ import annotations

import math
from typing import Any

import pytest

import epy
from epy._c.header import Header
from epy._c.libclang import Library
from epy._c.process import find_libclang

TEXT = r"""
#define START(a, b) ((a) < (b) ? (a) :
#define END(a, b) )
#define SMALLER(a, b) START(a, b) (b) END(a, b)
#define CLOSES )
#define CLOSES_TOO CLOSES
#define SMILE ":)"
#define EACH(f) f(1, END) f(2, END)
#define DO_PRAGMA(text) _Pragma(#text)
#define CAST(x) DO_PRAGMA(GCC diagnostic push) (x) DO_PRAGMA(GCC diagnostic pop)
#define NIL CAST((unsigned long)8)
#define TS ",NTS"
#define NOTHING
#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)
#define BUILD_ID "API" TEXT_OF(2022) TS NOTHING
#define steps steps
#define SENT 15 /* Server's messages; "sent
                   only to { the log, do return ( */
#define ADDRESS "http://a/*b*/" // a
#define QUOTE '"' /* " */
#define ONE_OF (1 /* a, */ | \
    2) /* b;
    c */
#define LIST 1, (2, 3)
#define COMMA ','
static inline int steps(int a) { while (a > 2) a /= 2; return a; }
int f(void);
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("NIL", 8), ("BUILD_ID", b"API2022,NTS"), ("SMILE", b":)")),
        *(("SENT", 15), ("ADDRESS", b"http://a/*b*/"), ("QUOTE", 34), ("ONE_OF", 3)),
        ("COMMA", 44),
    ],
)
def test_a_constant_has_its_value_beside_macros_that_have_none(name: str, value: Any) -> None:
    assert getattr(epy.header(TEXT), name) == value


def test_halves_make_a_whole() -> None:
    host = epy.header(TEXT)
    assert host.SMALLER(3, 2) == 2
    assert host.CAST(7) == 7


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("START", "is a macro with arguments that is no expression"),
        ("END", "is a macro with arguments that is no expression"),
        ("CLOSES_TOO", "is a macro that is no expression"),
        ("steps", "is an inline function, which no library has"),
        ("LIST", r"is a macro that is no constant \(a list\): `1, \(2, 3\)`"),
    ],
)
def test_what_has_no_value_says_why(name: str, reason: str) -> None:
    with pytest.raises(epy.HeaderNameError, match=f"{name} {reason}"):
        getattr(epy.header(TEXT), name)


def test_macros_may_be_other_names_of_others_without_end() -> None:
    count = 20_000
    others = "".join(f"#define N{it} N{it + 1}\n#define F{it} F{it + 1}\n" for it in range(count))
    circle = "#define A B\n#define B A\nint B(void);\n"
    host = epy.header(f"{others}#define N{count} (1 << 4)\nint F{count}(void);\n{circle}")
    assert host.N0 == host.N7 == 16
    assert callable(host.F0)
    assert callable(host.B)


def test_macros_that_lead_to_too_many_others_cost_themselves_alone() -> None:
    sums = "".join(f"#define S{it} S{it + 1} + 1\n" for it in range(5000))
    doubles = "".join(f"#define D{it} D{it + 1} D{it + 1}\n" for it in range(100))
    host = epy.header(f"{sums}#define S5000 0\n{doubles}#define D100 +\nint f(void);\n")
    assert host.S4500 == 500
    for name in ("S0", "D0"):
        with pytest.raises(epy.HeaderNameError, match=f"{name} .* leads to more than 1000 others"):
            getattr(host, name)


def test_a_header_without_errors_is_read_once_where_declarations_count() -> None:
    clang = Library(find_libclang()[0])
    found = []
    parse = clang.parse

    def count(name: str, text: bytes, arguments: list[str], options: int) -> Any:
        unit = parse(name, text, arguments, options)
        cursors = clang.children(clang.getTranslationUnitCursor(unit))  # type: ignore[attr-defined]
        found.append("f" in clang.names(cursors))
        return unit

    clang.parse = count  # type: ignore[method-assign]
    texts = {"name": "t.h", "text": TEXT, "is_text": True, "folder": "/", "lang": "c"}
    Header(clang, {**texts, "arguments": [], "before": [], "describe": False}).read()
    assert found == [False, True]


@pytest.mark.parametrize(("text", "values"), [("(a) << (b)", ("x", 1)), ("(a) % (b)", (1.5, 1))])
def test_what_c_does_not_compute_is_a_type_error(text: str, values: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match=f"takes integers, not {values[0]!r} and 1"):
        epy.header(f"#define COMPUTED(a, b) ({text})\n").COMPUTED(*values)


def test_a_quotient_of_doubles_is_that_of_c() -> None:
    """Of integers C has none: Python's own error says so."""
    divide = epy.header("#define DIVIDE(a, b) ((a) / (b))\n").DIVIDE
    found = [divide(*it) for it in ((1.0, 0.0), (1, -0.0), (-1.0, 0.0), (-1.0, -0.0), (7.0, 2))]
    assert found == [math.inf, -math.inf, -math.inf, math.inf, 3.5]
    assert all(math.isnan(divide(*it)) for it in ((0.0, 0.0), (math.nan, 0.0)))
    with pytest.raises(ZeroDivisionError):
        divide(1, 0)


def test_one_byte_beside_a_number_is_a_character() -> None:
    host = epy.header("#define IS_A(c) ((c) == 'a')\n#define DIGIT(c) ((c) - '0')\n")
    assert [host.IS_A(it) for it in (b"a", b"b", 97)] == [1, 0, 1]
    assert [host.DIGIT(it) for it in (b"7", b"\xff", 55)] == [7, -49, 7]


@pytest.mark.parametrize("value", ["(__int128)5", "(unsigned __int128)1 << 100"])
def test_a_constant_of_too_many_bits_says_so(value: str) -> None:
    with pytest.raises(epy.HeaderNameError, match="128-bit integers are not supported"):
        epy.header(f"#define WIDE ({value})\n").WIDE  # noqa: B018


def test_what_is_shifted_right_by_its_whole_width_is_gone() -> None:
    """As of 64 bits: <elf.h> has the macro for them, and a script passes what it reads there."""
    host = epy.header("#define ELF64_R_SYM(i) ((i) >> 32)\n#define HIGH(i) ((i) >> 40)\n")
    assert [host.ELF64_R_SYM(it) for it in (7, 7 << 32 | 7, -7)] == [0, 7, -1]
    assert host.HIGH(7 << 32) == 0


@pytest.mark.parametrize(
    "macro", ["__LINE__", "__FILE__ NOTHING", "(__COUNTER__ + 1)", "TEXT_OF(__LINE__)", "__DATE__"]
)
def test_what_only_a_use_has_is_no_constant(macro: str) -> None:
    host = epy.header(f"{TEXT}#define HERE {macro}\n#define F(x) (x) + HERE\n")
    for name in ("HERE", "F"):
        with pytest.raises(epy.HeaderNameError, match=f"{name} .* depends on where it is used"):
            getattr(host, name)
