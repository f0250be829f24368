"""A header's macros, as they are defined, and what they lead to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from .libclang import Cursor, Library
from .literals import LITERAL

_QUOTED = r'"(?:\\.|[^"\\\n])*"|' + r"'(?:\\.|[^'\\\n])*'"
_COMMENTS = r"/\*.*?\*/|//[^\n]*"
# Behind its name.
_DEFINITION = re.compile(
    rf"""(\([^)\n]*\))?((?:[^\\\n/"']+|{_QUOTED}|\\(?:\r\n|.)|{_COMMENTS}|[/"'])*)""".encode(),
    re.DOTALL,
)
_UNDEFINED = re.compile(rb"#[ \t]*undef[ \t]+(\w+)")
_COMMENT = re.compile(rf"({_QUOTED})|{_COMMENTS}".encode(), re.DOTALL)
_SPLICE = re.compile(rb"\\\r?\n")  # a line that goes on in the next
_INTEGER = re.compile(
    r"(?:0[xX][\da-fA-F]{1,16}|0[0-7]{0,21}|[1-9]\d{0,18})[uU]?[lL]{0,2}|-[1-9]\d{0,8}"
)
_TEXT = re.compile(r'"[^"\\\n]*"', re.ASCII)
_NAME = re.compile(r"[^\W\d][\w$]*", re.ASCII)
_BRACKETS = re.compile(r"\([^()]*\)")
_NO_VALUE = re.compile(r"[{};]|\b(?:__attribute__|__asm__|asm|do|return|goto)\b")


def is_balanced(body: str) -> bool:
    """Whether each parenthesis has its other one."""
    if body.count("(") != body.count(")"):
        body = LITERAL.sub("", body)
    return body.count("(") == body.count(")")


def _one_line(text: bytes) -> str:
    if b"\\" in text:
        text = _SPLICE.sub(b" ", text)
    return text.decode("utf-8", "surrogateescape").strip()


def is_list(body: str) -> bool:
    """Whether a comma is in no parentheses: `1L,2L`, of which C makes no value."""
    if "," not in body:
        return False
    rest = re.sub(_QUOTED, "", body)
    while (inner := _BRACKETS.sub("", rest)) != rest:
        rest = inner
    return "," in rest


def uses(words: Mapping[str, list[str]]) -> dict[str, int]:
    """How many macros Clang goes through for each."""
    found: dict[str, int] = {}
    for start in words:
        rest = [start]
        while rest:
            name = rest[-1]
            if name in found:
                rest.pop()
                found[name] = 1 + sum(found[it] for it in words[name])
            else:
                found[name] = 0  # until those that it leads to are there
                rest += [it for it in words[name] if it not in found]
    return found


class Definition(NamedTuple):
    """Of a macro, as it stands in a file."""

    parameters: tuple[str, ...] | None
    body: str

    @property
    def is_open(self) -> bool:
        """Whether it takes any number of arguments."""
        return any("..." in it for it in self.parameters or ())


class Macros:
    """All the macros of a header, by name."""

    def __init__(self, clang: Library, cursors: list[Cursor], sources: Mapping[str, bytes]) -> None:
        self.clang: Any = clang
        names = clang.names(cursors)
        self.cursors: Mapping[str, Any] = dict(zip(names, cursors, strict=True))
        self.sources = sources
        self.known: dict[str, Definition | None] = {}
        self.ends: dict[str, str] = {}
        undefined = (_UNDEFINED.findall(text) for text in sources.values())
        # Not each time the same: what such a macro is in the end, Clang alone knows.
        self.changing = {name.decode() for them in undefined for name in them}
        self.changing |= {name for name, count in Counter(names).items() if count > 1}

    def definition(self, name: str) -> Definition | None:
        """None for what no file defines."""
        if name not in self.known:
            self.known[name] = self._definition(name)
        return self.known[name]

    def _definition(self, name: str) -> Definition | None:
        file, offset = self.clang.file_and_offset(self.clang.getCursorLocation(self.cursors[name]))
        source = self.sources.get(file)
        if source is None:
            return None
        at = offset + len(name if name.isascii() else name.encode("utf-8", "surrogateescape"))
        return self.behind(source, at)

    @staticmethod
    def behind(source: bytes, at: int) -> Definition:
        """The definition of a macro whose name ends there."""
        found = _DEFINITION.match(source, at)
        parameters, body = found.groups(b"") if found else (b"", b"")
        if b"/" in body:
            body = _COMMENT.sub(lambda it: it[1] or b" ", body)
        text = _one_line(body)
        if not parameters:
            return Definition(None, text)
        inner = _one_line(parameters[1:-1])
        return Definition(tuple(it.strip() for it in inner.split(",")) if inner else (), text)

    def _other_name(self, name: str) -> str:
        """The macro that a macro is another name of, "" if it is none."""
        body = self.known[name].body if self._is_plain(name) else ""  # type: ignore[union-attr]
        return body if body in self.cursors and self._is_plain(body) else ""

    def _is_plain(self, name: str) -> bool:
        """Whether it takes no arguments, and is defined once."""
        found = self.definition(name)
        return found is not None and found.parameters is None and name not in self.changing

    def end(self, name: str) -> str:
        """The same, where that leads in the end: Clang would go all the way for each."""
        chain: dict[str, None] = {}
        while name not in chain and name not in self.ends and (other := self._other_name(name)):
            chain[name] = None
            name = other
        if name not in chain:  # else a circle, where each stays what it is
            self.ends |= dict.fromkeys((*chain, name), self.ends.get(name, name))
        return self.ends.get(name, name)

    def plain_value(self, name: str, depth: int = 4) -> Any:
        """The value of a macro that is one literal, or is another such macro; else None."""
        if not self._is_plain(name):
            return None
        body = self.known[name].body  # type: ignore[union-attr]
        if body in self.cursors:
            body = self.known[self.end(name)].body  # type: ignore[union-attr]
        if body[:1] == "(" and body[-1:] == ")":
            body = body[1:-1].strip()
        if _INTEGER.fullmatch(body):
            digits = body.rstrip("uUlL")
            return int(digits, 8 if digits[0] == "0" and digits.isdigit() else 0)
        if depth and body in self.cursors and body != name:
            return self.plain_value(body, depth - 1)
        return body[1:-1].encode("utf-8", "surrogateescape") if _TEXT.fullmatch(body) else None

    def words(self, rest: list[str]) -> dict[str, list[str]]:
        """The macros that these lead to, and those, each as often as it is there."""
        words: dict[str, list[str]] = {}
        while rest:
            name = rest.pop()
            if name not in words:
                definition = self.definition(name)
                found = _NAME.findall(definition.body) if definition else []
                if (end := self.end(name)) != name:
                    found = [end]
                words[name] = [it for it in found if it in self.cursors]
                rest += words[name]
        return words

    def hopeless(self, words: Mapping[str, list[str]]) -> set[str]:
        """The macros that would break what follows them, by braces or half of a pair of
        parentheses: of these, and of those that they lead to."""
        users: dict[str, list[str]] = {name: [] for name in words}
        found = []
        for name, them in words.items():
            for word in them:
                users[word].append(name)
            definition = self.definition(name)
            body = definition.body if definition else ""
            if not is_balanced(body) or (
                _NO_VALUE.search(body) and _NO_VALUE.search(LITERAL.sub("", body))
            ):
                found.append(name)
        spread = set(found)
        while found:
            more = [it for it in users[found.pop()] if it not in spread]
            spread.update(more)
            found += more
        return spread
