"""What is read of a header for some words is what the whole has of them, byte for byte."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from epy._c.header import Header
from epy._c.libclang import Library
from epy._c.part import Part
from epy._c.process import find_libclang
from epy._c.reachable import chosen
from epy._c.words import Unsure

sys.path.insert(0, str(Path(__file__).parent))
from test_headers import CHOSEN, Real

COUNTS = (1, 1, 1, 5, 5, 40)  # of words


@pytest.fixture(scope="module")
def clang() -> Library:
    return Library(find_libclang()[0])


def request(text: str, include: Iterable[str] = (), words: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "name": "header",
        "text": text,
        "is_text": True,
        "folder": "/",
        "arguments": [
            *(f"--target={os.uname().machine}-linux-gnu", "-resource-dir", find_libclang()[1]),
            *include,
        ],
        "lang": "",
        "before": [],
        "describe": False,
        "words": sorted(words),
    }


def names_of(clang: Library, text: str, include: Iterable[str] = ()) -> dict[str, Any]:
    whole = Header(clang, request(text, include))
    whole.read_names()
    return whole.names


def is_same(clang: Library, text: str, include: Iterable[str], words: Any, whole: Any) -> bool:
    """Whether a part is like the whole; False if that has to be read."""
    part = Part(clang, request(text, include, words))
    try:
        part.read_names()
    except Unsure:
        return False
    assert chosen(part.names, part.names.get, words) == chosen(whole, whole.get, words)
    return True


@pytest.mark.parametrize("real", CHOSEN, ids=lambda real: real.headers.rpartition(" ")[2])
def test_a_part_of_a_real_header_is_as_in_the_whole(clang: Library, real: Real) -> None:
    include: list[str] = []
    if real.pkg:
        command = ["pkg-config", "--cflags-only-I", real.pkg]
        given = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        include = given.split()
    text = "".join(f"#define {name} {value}\n" for name, value in real.define)
    text += "".join(f"#include <{it}>\n" for it in real.headers.split())
    whole = names_of(clang, text, include)
    words = sorted({name.rpartition(" ")[2] for name in whole if name.isidentifier()})
    choice = random.Random(real.headers)
    some = [choice.sample(words, min(count, len(words))) for count in COUNTS]
    parts = [is_same(clang, text, include, it, whole) for it in some]
    assert any(parts)


PARTS = [
    ("int f(int a); int g(int a);", "f"),
    ("typedef struct { int a; } s, *p; s f(p a);", "f"),
    ("typedef struct { int a; } s, *p; s f(p a);", "p"),
    ("struct a { struct b { int c; } d; enum { E, F } e; };", "b"),
    ("struct a { struct b { int c; } d; enum { E, F } e; };", "F"),
    ("typedef enum { E, F } e; e f(void);", "E f"),
    ("enum { E = 3 }; enum { F = 4 };", "E"),
    ("union u { int a; struct v *b; }; struct v { union u c; };", "v"),
    ("#define A (B + 1)\n#define B 2", "A"),
    ("#define A B\n#define B C\nint C(int x);", "A"),
    ("#define A(x, y) (B((x)->a) + y)\nstruct b { int a; }; int B(int x);", "A"),
    ("#define A() 3", "A"),
    ("#define A(x, ...) x", "A"),
    ("#define A(x) #x", "A"),
    ("#define A(x) a##x", "A"),
    ('#define A "a" "b"', "A"),
    ("#define A 1L,2L", "A"),
    ("#define A", "A"),
    ("#define A { 1 }", "A"),
    ("#define A __LINE__", "A"),
    ("#define A 1 / 0", "A"),
    ("#define A ((struct s *)0)\nstruct s;", "A"),
    ("#define A sizeof(struct { int a; })", "A"),
    ("static inline int f(int a) { return g(a); } int g(int a);", "f"),
    ("static inline int g(int a) { return a; } static inline int f(int a) { return g(a); }", "f"),
    ("#define A }}} \nint f(void);", "A f"),
    ("static inline int f(int a) { a += 1; return a; }", "f"),
    ('int f(int a) __asm__("g"); int f(int a);', "f"),
    ("extern const char *const *v[3]; static const int n = 4; static int m;", "v n m"),
    ("int f(const char *a, char *b); int g(const int *a);", "f"),
    ("int f();", "nothing"),
]


@pytest.mark.parametrize(("text", "words"), PARTS)
def test_a_part_is_read(clang: Library, text: str, words: str) -> None:
    assert is_same(clang, f"{text}\n", (), words.split(), names_of(clang, f"{text}\n"))


WHOLES = [
    ("#define A (\n#define B 1", "A B"),
    ("void f(struct s *a);", "s"),
    ("struct { int a; } v, w;", "w"),
    ("#define A {\n#undef A", "A"),
    ("#ifdef X\n#define A(x) x\n#else\n#define A 1\n#endif", "A"),
    ("#ifdef X\n#define A int\n#else\n#define A long\n#endif", "A"),
    ("#ifdef X\n#define A {\n#else\n#define A 1\n#endif", "A"),
    ("#ifdef X\n#define A {\n#else\n#define A 1\n#endif\n#define B A", "B"),
    ("#ifdef X\n#define A(x) x\n#else\n#define A(y) (y + 1)\n#endif", "A"),
    ("#define A(a, b, c, d, e, f, g, h, i) a", "A"),
    ("#define A B\n#define B(x) x", "A"),
    ("#ifdef X\n#define linux 1\n#endif", "linux"),
    ("typedef __builtin_va_list v;", "__builtin_va_list"),
    ("int f; float f; int g(void);", "g"),
]


@pytest.mark.parametrize(("text", "words"), WHOLES)
def test_a_whole_is_read_where_a_part_may_differ(clang: Library, text: str, words: str) -> None:
    whole = names_of(clang, f"{text}\n")
    assert not is_same(clang, f"{text}\n", (), words.split(), whole)
    told = Part(clang, request(f"{text}\n", (), words.split())).read()
    alone = Header(clang, request(f"{text}\n"))
    alone.read_names()
    expected = alone.answer(chosen(whole, whole.get, words.split()))
    assert (told["index"], told["data"]) == (expected["index"], expected["data"])
