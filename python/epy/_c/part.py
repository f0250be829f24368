"""What a header declares under some names, and what that leads to: exactly what all of it has.

The header is parsed once, only what is asked for is translated. Where that cannot tell what the
whole would, the whole is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .answers import RETURN
from .header import FUNCTION, Header
from .reachable import KEYWORDS, chosen
from .terms import CONST, is_a
from .types import Types
from .words import Defined, Unsure, Words

# That C declares for a parameter alone.
_TAGS = [re.compile(it + rb"\s+(\w+)\s*(?:\*|\bconst\b)") for it in (b"struct", b"union")]
_INCLUDE = re.compile(rb'#[ \t]*(?:include|import)(?:_next)?\b[ \t]*["<]([^">\n]*)')
_NAME = re.compile(r"[^\W\d]\w*")
_OF_CLANG = {"__builtin_va_list", "__int128_t", "__uint128_t"}  # types that nothing declares


class Part(Header):
    """Some of what a header declares."""

    def read(self) -> dict[str, Any]:
        read: Header = self
        try:
            self.read_names()
        except Unsure:
            read = Header(self.clang, self.request)
            read.read_names()
        return read.answer(chosen(read.names, read.names.get, self.request["words"]))

    def read_names(self) -> None:
        if self.request["lang"] == "c++" or _OF_CLANG.intersection(self.request["words"]):
            raise Unsure
        clang = self.clang
        words = [it for it in self.request["words"] if it.isidentifier()]
        self.answers = asked = Words(clang, self.names, words)
        self.unit = asked.ask(self._text(), self._parse_whole)
        sources = self._sources(self.unit, self._text())
        self._stop_if_hopeless()
        self.inclusions = _inclusions(sources, self.included)
        defined = Defined(clang, sources)
        asked.settle(defined, self._predefined)

        self.types = Types(clang, self.names, False)
        own = self._own(words, asked, defined)
        self._declare_all(own)
        for cursor in self.inline:
            self._let_return(cursor)
        asked.take(own)
        self.names[CONST] = ("c", " ".join(self.constant))
        self._check(words, sources, defined)

    def _predefined(self) -> list[str]:
        unit = self._not_none(self._parse_outline(""))
        cursors = self.clang.children(self.clang.getTranslationUnitCursor(unit))
        return self.clang.names(cursors)  # type: ignore[no-any-return]

    def _own(self, words: list[str], asked: Words, defined: Defined) -> list[Any]:
        """The declarations of the words, and of what their macros and functions name."""
        clang = self.clang
        cursors, inner = asked.own, asked.inner
        by_name: dict[str, set[int]] = {}
        places = [*range(len(cursors)), *(at for at, _ in inner)]
        for at, name in zip(places, clang.names([*cursors, *(it for _, it in inner)]), strict=True):
            by_name.setdefault(name, set()).add(at)
        wanted: set[int] = set()
        known = set(words)
        rest = [*words, *_NAME.findall(" ".join(asked.texts.values()))]
        while rest:
            name = rest.pop()
            found = by_name.get(name, set())
            if name not in known and not found and name in defined.cursors:
                raise Unsure  # a macro that was not asked about
            known.add(name)
            for at in found - wanted:
                wanted.add(at)
                rest += self._words_of(cursors[at])
        return [cursors[at] for at in sorted(wanted)]

    def _words_of(self, cursor: Any) -> list[str]:
        """Those in the value that an inline function returns."""
        if cursor.kind != FUNCTION or not self._is_inline(cursor):
            return []
        returned = RETURN.search(self.clang.text(self.clang.getCursorPrettyPrinted(cursor, None)))
        return _NAME.findall(returned[1]) if returned else []

    def _check(self, words: list[str], sources: Mapping[str, bytes], defined: Defined) -> None:
        """Whether the whole has no other names, and no other reasons."""
        texts = [
            text for pattern in _TAGS for it in sources.values() for text in pattern.findall(it)
        ]
        tags = set(b"\0".join(texts).decode().split("\0"))
        for word in words:
            is_missing = not any(f"{it} {word}" in self.names for it in KEYWORDS)
            is_refused = is_a(self.names.get(word), "?")
            if (word in tags and is_missing) or (word in defined.ambiguous and is_refused):
                raise Unsure
        if self.types.guesses:
            raise Unsure


def _inclusions(sources: Mapping[str, bytes], files: list[str]) -> list[str]:
    """The names by which files are included, and perhaps others."""
    found = b"\0".join(name for text in sources.values() for name in _INCLUDE.findall(text))
    names = found.decode("utf-8", "surrogateescape").split("\0")
    known = set(names)
    for file in files:
        parts = file.split("/")
        if not any("/".join(parts[at:]) in known for at in range(len(parts))):
            raise Unsure  # by a macro
    return names
