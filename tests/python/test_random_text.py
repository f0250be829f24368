"""Random text where C belongs: it is read, or refused with one of epy's errors, in one line.

hypothesis makes up mixtures of C's words, declarations with a word too many or too few, and text
that has nothing to do with C. EPY_TEXTS says how many to try (300):

    EPY_TEXTS=100000 ctest --preset dev -R random_text
"""

from __future__ import annotations

import os

import hypothesis
from hypothesis import strategies as st

import epy

COUNT = int(os.environ.get("EPY_TEXTS", "300"))

WORDS = [
    *("int", "char", "unsigned", "long", "short", "float", "double", "_Bool", "void", "signed"),
    *("const", "volatile", "static", "extern", "inline", "typedef", "struct", "union", "enum"),
    *("size_t", "int32_t", "wchar_t", "_Complex", "__attribute__((packed))", "_Alignas(8)"),
    *("a", "b", "f", "S", "T", "é", "...", "*", "(", ")", "[", "]", "{", "}", ",", ";", ":", "="),
    *("0", "3", "-1", "077", "0x7fffffffffffffff", "18446744073709551616", "1.5f", "1e999", "'x'"),
    *(
        '"text"',
        "+",
        "-",
        "<<",
        "/",
        "%",
        "?",
        "!",
        "~",
        "sizeof",
        "&",
        "#define",
        "#include",
        "#if",
    ),
    *(
        "#endif",
        "#pragma pack(1)",
        "<stdint.h>",
        "\n",
        "\\\n",
        "/*",
        "*/",
        "//",
        '"',
        "'",
        "\0",
        "@",
    ),
]
PROTOTYPES = [
    "int f(int a, const char *b)",
    "double (*f)(struct S *a, void (*b)(int), unsigned long c[3])",
    "struct S { int a : 3; unsigned b[2][2]; union { float c; char d; }; } f(void)",
    "void f(enum T { A, B = 1 << 3, C = sizeof(long) } a, long double _Complex b, ...)",
]
HEADERS = [
    "typedef struct S { int a : 3; struct S *next; char b[]; } S;\nint f(S *a, ...);\n",
    "#define A (1 + 2)\n#define B(x) ((x) * A)\nenum T { C = B(2), D };\nextern int a[D];\n",
    "union U { double a; unsigned char b[sizeof(double)]; };\nvoid f(union U a, int (*b)(void));\n",
]


@st.composite
def damaged(draw: st.DrawFn, texts: list[str]) -> str:
    words = draw(st.sampled_from(texts)).split(" ")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 2))] = draw(
            st.lists(st.sampled_from(WORDS), max_size=2)
        )
    return " ".join(words)


mixtures = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def texts(examples: list[str]) -> st.SearchStrategy[str]:
    return st.one_of(damaged(examples), mixtures, st.text(max_size=30))


def many(function):
    return hypothesis.settings(
        max_examples=COUNT,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )(function)


def is_refused_clearly(error: epy.Error) -> bool:
    """Nothing in it ends a line or moves the cursor, whatever the text was."""
    message = str(error)
    return message != "" and message.isprintable()


@many
@hypothesis.given(texts(PROTOTYPES))
def test_a_prototype_is_read_or_refused_in_one_line(text):
    for make in epy.callback, epy.export:
        try:
            make(text)(lambda *arguments: None)
        except epy.Error as error:
            assert is_refused_clearly(error), str(error)


@many
@hypothesis.given(texts(HEADERS))
def test_a_header_is_read_or_refused_in_one_line(text):
    try:
        header = epy.header(text + "\n;")
        names = dir(header)
    except epy.Error as error:
        assert is_refused_clearly(error), str(error)
        return
    for name in names:
        try:
            getattr(header, name)
        except epy.Error as error:
            assert is_refused_clearly(error), str(error)
