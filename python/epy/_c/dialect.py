"""GNU C -> the C that pycparser parses, token by token.

Function bodies, asm labels and attributes without effect on memory go. What matters is written as a
declaration that any C parser takes and `_c.declarations` knows: `enum { __epy_packed = 1 };` before
the end of a packed struct, `enum { __epy_aligned = N };` before the declaration that it aligns.
"""

from __future__ import annotations

from collections.abc import Sequence

from .tokens import Token, tokenize

MARK = "__epy_"
_PRELUDE = """
typedef struct { long long __epy_word[3]; } __epy_va_list[1];
typedef __epy_va_list __builtin_va_list;
typedef __int128 __int128_t;
typedef unsigned __int128 __uint128_t;
typedef int __epy_float128;
typedef __epy_float128 __float128;
typedef __epy_float128 _Float128;
typedef long double __float80;
typedef long double _Float64x;
typedef float _Float32;
typedef double _Float64;
typedef double _Float32x;
"""
PRELUDE = [Token(text, "<what GCC knows>", 1) for text in tokenize(_PRELUDE)]
"""What GCC knows without a declaration."""

_SAME = {
    "__const": "const",
    "__const__": "const",
    "__inline": "inline",
    "__inline__": "inline",
    "__restrict": "restrict",
    "__restrict__": "restrict",
    "__signed": "signed",
    "__signed__": "signed",
    "__volatile": "volatile",
    "__volatile__": "volatile",
    "__alignof": "_Alignof",
    "__alignof__": "_Alignof",
    "__builtin_offsetof": "offsetof",
    "__complex__": "_Complex",
    "__thread": "_Thread_local",
    "__typeof": "typeof",
    "__typeof__": "typeof",
    "__extension__": "",
}
_ATTRIBUTE = ("__attribute__", "__attribute")
_ASM = ("asm", "__asm", "__asm__")
_RECORD = ("struct", "union", "enum")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SPECIAL = {*_SAME, *_ATTRIBUTE, *_ASM, "_Pragma", *_RECORD, *"{}();"}
_UNSUPPORTED = ("vector_size", "mode", "scalar_storage_order", "ms_struct")


def plain(word: str) -> str:
    """The word of C that a word of GNU C stands for; "" if it says nothing."""
    return _SAME.get(word, word)


def parseable(tokens: Sequence[Token]) -> list[Token]:
    """The tokens for pycparser."""
    return _Dialect(tokens).run()


class _Level:
    """What is open: the file, or a brace."""

    def __init__(self, start: int, kind: str = "", marks: Sequence[str] = ()) -> None:
        self.start = start  # of the declaration in hand, in the output
        self.kind = kind  # struct, union, enum, or "" for an initializer
        self.marks = list(marks)  # for the closing brace


class _Dialect:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.out: list[Token] = []
        self.levels = [_Level(0)]
        self.parentheses = 0
        self.kind = ""  # of the last struct, union or enum keyword of this declaration
        self.marks: list[str] = []  # attributes between that keyword and its brace

    def run(self) -> list[Token]:
        while self.index < len(self.tokens):
            token = self.tokens[self.index]
            text = token.text
            self.index += 1
            if text not in _SPECIAL and text[0] != "#":
                self.out.append(token)
            elif text[0] == "#":
                if "pack" in text and self.parentheses == 0 and self.levels[-1].kind != "enum":
                    self.out.append(token)
                    self.levels[-1].start = len(self.out)
            elif text in _ATTRIBUTE:
                self.attribute()
            elif text in _ASM:
                self.skip_group()
            elif text == "_Pragma":
                self.skip_group()
            elif text == "{":
                self.open_brace(token)
            elif text == "}":
                self.close_brace(token)
            else:
                self.plain(token)
        return self.out

    def plain(self, token: Token) -> None:
        text = plain(token.text)
        if text in ("(", ")"):
            self.parentheses += 1 if text == "(" else -1
        elif text in _RECORD and self.parentheses == 0:
            self.kind, self.marks = text, []
        if text:
            self.out.append(token if text is token.text else token._replace(text=text))
        if text == ";" and self.parentheses == 0:
            self.end_declaration()

    def end_declaration(self) -> None:
        self.levels[-1].start = len(self.out)
        self.kind, self.marks = "", []

    def open_brace(self, token: Token) -> None:
        if len(self.levels) == 1 and self.out and self.out[-1].text == ")":
            self.index -= 1
            self.skip_group()
            self.mark(token, "inline", "1")
            self.out.append(token._replace(text=";"))
            self.end_declaration()
            return
        self.out.append(token)
        self.levels.append(_Level(len(self.out), self.kind, self.marks))
        self.kind, self.marks = "", []

    def close_brace(self, token: Token) -> None:
        if len(self.levels) > 1:
            level = self.levels.pop()
            if level.kind in ("struct", "union"):
                for mark in level.marks:
                    self.out += _mark(token, mark, "1")
            self.kind = f"}} {level.kind}"
        self.out.append(token)

    def attribute(self) -> None:
        """Keep what an attribute means for memory, as a mark."""
        first = self.tokens[self.index - 1]
        group = self.skip_group()[2:-2]
        while group:
            name = group[0].text.strip("_")
            length = 1
            arguments: list[Token] = []
            if len(group) > 1 and group[1].text == "(":
                length = 1 + _group_length(group, 1)
                arguments = group[2 : length - 1]
            group = group[length + (len(group) > length and group[length].text == ",") :]
            if self.parentheses == 0:
                self.meaning(first, name, " ".join(token.text for token in arguments))

    def meaning(self, place: Token, name: str, arguments: str) -> None:
        if name == "packed":
            if self.kind in ("struct", "union"):
                self.marks.append("packed")
            elif self.kind in ("} struct", "} union") and self.out[-1].text == "}":
                self.out[-1:-1] = _mark(place, "packed", "1")
            elif self.kind in ("enum", "} enum"):
                self.mark(place, "small_enum", "1")
            else:
                self.mark(place, "packed_field", "1")
        elif name == "aligned":
            value = arguments or "16"
            if self.kind == "} struct" or self.kind == "} union":
                if self.out[-1].text == "}":
                    self.out[-1:-1] = _mark(place, "aligned_type", value)
                    return
            elif self.kind in ("struct", "union") and self.out[-1].text == self.kind:
                self.marks.append(f"aligned_type = {value}")
                return
            self.mark(place, "aligned", value)
        elif name in _UNSUPPORTED:
            self.mark(place, f"unsupported_{name}", arguments if name == "vector_size" else "0")

    def mark(self, place: Token, name: str, value: str) -> None:
        """A mark before the declaration in hand."""
        start = self.levels[-1].start
        self.out[start:start] = _mark(place, name, value)

    def skip_group(self) -> list[Token]:
        """The parenthesized or braced tokens that come next (`asm volatile (...)` included)."""
        start = self.index
        if start < len(self.tokens) and self.tokens[start].text in ("volatile", "__volatile__"):
            start += 1
        if start >= len(self.tokens) or self.tokens[start].text not in _CLOSING:
            return []
        length = _group_length(self.tokens, start)
        self.index = start + length
        return list(self.tokens[start : self.index])


def _group_length(tokens: Sequence[Token], start: int) -> int:
    opening = tokens[start].text
    closing = _CLOSING[opening]
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text == opening:
            depth += 1
        elif tokens[index].text == closing:
            depth -= 1
            if depth == 0:
                return index + 1 - start
    return len(tokens) - start


def _mark(place: Token, name: str, value: str) -> list[Token]:
    name, _, other = name.partition(" = ")
    text = f"enum {{ {MARK}{name} = ({other or value}) }} ;"
    return [place._replace(text=plain(part)) for part in tokenize(text)]
