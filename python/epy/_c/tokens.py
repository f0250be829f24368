"""The tokens of C: made once, for pcpp and then for pycparser.

Both bring lexers of their own, which take most of the time that a long header takes, and pcpp's
splits `1ULL`. Here one expression matches every text; what a spelling is called there is asked of
their lexers once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from pcpp.parser import default_lexer
from pycparser import c_lexer

_PATTERN = re.compile(
    r"""(?P<CPP_WS>\n[^\S\n]*|[^\S\n]+)
    |(?P<CPP_STRING>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
    |(?P<CPP_CHAR>(?:u8|[uUL])?'(?:\\.|[^'\\\n])*')
    |(?P<CPP_ID>[^\W\d]\w*)
    |(?P<CPP_INTEGER>0[xX][\da-fA-F]+[uUlL]*(?![\w.])|\d+[uUlL]*(?![\w.]))
    |(?P<CPP_FLOAT>\.?\d(?:[eEpP][+-]|[\w.])*)
    |(?P<CPP_COMMENT1>/\*.*?\*/)
    |(?P<CPP_COMMENT2>//(?:\\[ \t]*\n|[^\n])*)
    |(?P<CPP_LINECONT>\\[ \t]*\n)
    |(?P<mark>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|[<>=!]=|&&|\|\||[-+*/%&|^]=|\#\#|.)""",
    re.VERBOSE | re.DOTALL,
)
"""Of a token, by pcpp's names; a number that is no integer is called a float."""

_BLANK = ("CPP_WS", "CPP_COMMENT1", "CPP_COMMENT2", "CPP_LINECONT")
_CONTINUATION = re.compile(r"\\[ \t]*\n")


class Token(NamedTuple):
    """One token of preprocessed C; a #pragma is one, with its whole line."""

    text: str
    file: str
    line: int


def tokenize(text: str) -> Iterator[str]:
    """The tokens of C text, without white space."""
    for match in _PATTERN.finditer(text):
        if match.lastgroup not in _BLANK:
            yield match[0]


class _Names(dict[str, Any]):
    """What a library calls each spelling, asked for once."""

    def __init__(self, ask: Callable[[str], Any]) -> None:
        self.ask = ask

    def __missing__(self, text: str) -> Any:
        found = self[text] = self.ask(text)
        return found


class _RawToken:
    """A token as pcpp uses them."""

    __slots__ = ("expanded_from", "lexpos", "lineno", "source", "type", "value")

    expanded_from: list[str]
    source: str

    def __init__(self, kind: str, value: str, line: int) -> None:
        self.type = kind
        self.value = value
        self.lineno = line
        self.lexpos = 0

    def __copy__(self) -> _RawToken:
        made = _RawToken(self.type, self.value, self.lineno)
        made.source = self.source
        if hasattr(self, "expanded_from"):
            made.expanded_from = self.expanded_from
        return made


class RawLexer:
    """The lexer for pcpp."""

    token: Callable[[], _RawToken | None]
    lineno = 1

    def clone(self) -> RawLexer:
        return RawLexer()

    def input(self, text: str) -> None:
        self.token = partial(next, _raw_tokens(text), None)


def _ask_pcpp(mark: str) -> str:
    lexer = default_lexer()
    lexer.input(mark)
    return str(lexer.token().type)


_marks = _Names(_ask_pcpp)


def _raw_tokens(text: str) -> Iterator[_RawToken]:
    line = 1
    for match in _PATTERN.finditer(text):
        kind, value = match.lastgroup, match[0]
        lines = 0
        if kind == "mark":
            kind = _marks[value]
        elif "\n" in value:
            lines = value.count("\n")
            if kind == "CPP_WS":
                value = "\n"
            elif kind == "CPP_LINECONT":
                value = value[1:-1]
            elif kind == "CPP_STRING":
                value = _CONTINUATION.sub("", value)
        yield _RawToken(kind or "", value, line)
        line += lines


class Lexer:
    """The lexer for pycparser: its `input` is an iterable of tokens."""

    token: Callable[[], c_lexer.Token | None]

    def __init__(self, error_func: Callable[[str, int, int], None], **_: Any) -> None:
        self.error = error_func
        self.filename = ""
        self.line = 1
        self.count = 0  # of tokens so far
        self.input(())

    def input(self, tokens: Iterable[Token], filename: str = "") -> None:
        self.filename = filename
        self.token = partial(next, self._read(tokens), None)

    def _read(self, tokens: Iterable[Token]) -> Iterator[c_lexer.Token]:
        for text, file, line in tokens:
            self.filename, self.line = file, line
            self.count += 1
            for kind, value in _spellings[text]:
                if not kind:
                    self.error(value, line, 0)
                yield c_lexer.Token(kind, value, line, 0, file)


def _ask_pycparser(text: str) -> list[tuple[str, str]]:
    """Kind and value of what the text is there, mostly one token; "" and the problem if none."""
    found: list[tuple[str, str]] = []
    lexer = c_lexer.CLexer(lambda message, line, column: found.append(("", message)))
    lexer.input(text)
    while (token := lexer.token()) is not None:
        found.append((token.type, token.value))
    return found


_spellings = _Names(_ask_pycparser)
