"""Macros that are written for more than a value: with pragmas, and with half of a pair."""

from __future__ import annotations

from typing import Any

import pytest

import epy

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
static inline int steps(int a) { while (a > 2) a /= 2; return a; }
int f(void);
"""


@pytest.mark.parametrize(
    ("name", "value"), [("NIL", 8), ("BUILD_ID", b"API2022,NTS"), ("SMILE", b":)")]
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
    ],
)
def test_what_has_no_value_says_why(name: str, reason: str) -> None:
    with pytest.raises(epy.HeaderNameError, match=f"{name} {reason}"):
        getattr(epy.header(TEXT), name)


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
