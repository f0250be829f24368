"""Which macros are among words, and what these stand for: asked before anything is known of them.

Each word is a question behind the header, and asks nothing if it is no macro. How many arguments it
takes is not known either: it is used with each number of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .answers import MANY, Answers
from .expressions import ARGUMENT
from .libclang import Cursor, Library
from .macros import Definition, Macros, is_balanced, uses

_MOST = 8  # arguments
_STEP = _MOST + 2  # the uses of a word: as it is, and with 0, 1, 2... arguments
_DEFINE = r"#[ \t]*define[ \t]+(%s)"
_PREDEFINED = {"linux", "unix", "i386"}  # what Clang defines without underscores
_OWN = re.compile(rf"{ARGUMENT}(\d+)_")  # an argument, by its place


class Unsure(Exception):
    """Only the whole header can tell."""


class Defined(Macros):
    """What follows `#define` in the sources, also where Clang has not come to."""

    def __init__(self, clang: Library, sources: Mapping[str, bytes]) -> None:
        super().__init__(clang, [], sources)
        self.ambiguous: set[str] = set()
        defined = re.compile((_DEFINE % r"\w+").encode())
        self.files = {file: set(defined.findall(text)) for file, text in sources.items()}
        names = b"\0".join(set().union(*self.files.values())).decode().split("\0")
        self.cursors: Mapping[str, Any] = dict.fromkeys(names)

    def candidates(self, name: str) -> list[Definition]:
        """All that differ."""
        encoded = name.encode()
        pattern = re.compile((_DEFINE % name).encode() + rb"\b")
        found: dict[Definition, None] = {}
        for file, text in self.sources.items():
            if encoded in self.files[file]:
                ends = [it.end() for it in pattern.finditer(text)]
                found |= dict.fromkeys([self.behind(text, at) for at in ends])
        return list(found)

    def _definition(self, name: str) -> Definition | None:
        first, *others = self.candidates(name)
        if not others:
            return first
        self.ambiguous.add(name)
        self.changing.add(name)
        return Definition(first.parameters, " ".join(it.body for it in (first, *others)))


class Words(Answers):
    """Asks Clang about words."""

    def __init__(self, clang: Library, names: dict[str, Any], words: list[str]) -> None:
        super().__init__(clang, names)
        self.words = words
        self.inner: list[tuple[int, Cursor]] = []  # see `Library.declarations`

    def ask(self, text: str, parse: Any) -> Any:
        lines = self._lines()
        unit = parse(text + "\n".join(lines) + "\n")
        if unit is None:
            raise Unsure
        self._note(unit, text.count("\n") + 1, lines)
        cursors, self.inner = self.clang.declarations(unit)
        self._hear(cursors)
        if not self.is_clean or not self.is_told:
            raise Unsure
        return unit

    def _lines(self) -> list[str]:
        texts, values = [], []
        for index, name in enumerate(self.words):
            uses = [name, *(f"{name}({_arguments(count)})" for count in range(_MOST + 1))]
            asked = [self._text(index * _STEP + at, use) for at, use in enumerate(uses)]
            texts += [f"#ifdef {name}", *asked, "#endif"]
            values += [f"#ifdef {name}", self._value(index, name), "#endif"]
        return self._whole(texts, values)

    def settle(self, defined: Defined, predefined: Any) -> None:
        """What is asked, now that it is known which have arguments."""
        texts, self.texts = self.texts, {}
        for at, name in enumerate(self.words):
            is_macro = at * _STEP in texts
            if name not in defined.cursors or not (is_macro or name in defined.changing):
                continue  # none, or Clang's own
            definition = self._only(name, defined, predefined)
            if definition is None:
                if not is_macro:  # any more
                    raise Unsure
                self.refused.append((name, defined.known[name], "is no expression"))
            elif is_macro:
                self.asked.append((name, definition))
                self.same.append(at)
                parameters = definition.parameters
                if parameters is None:
                    self.texts[at] = texts[at * _STEP]
                elif not definition.is_open:
                    self.texts[at] = _named(texts[at * _STEP + 1 + len(parameters)], parameters)

    def _only(self, name: str, defined: Defined, predefined: Any) -> Definition | None:
        """The definition that counts; None if it is no expression."""
        first, *others = (it.parameters for it in defined.candidates(name))
        closure = defined.words([name])
        is_many = uses(closure)[name] > MANY
        if any(it != first for it in others) or len(first or ()) > _MOST or is_many:
            raise Unsure
        if (name.startswith("__") or name in _PREDEFINED) and name in predefined():
            raise Unsure
        definition = defined.definition(name)
        assert definition is not None
        is_hopeless = first is None and name in defined.hopeless(closure)
        if is_balanced(definition.body) and not is_hopeless:
            return definition
        if defined.ambiguous & closure.keys():
            raise Unsure
        return None


def _arguments(count: int) -> str:
    return ", ".join(f"{ARGUMENT}{number}_" for number in range(count))


def _named(text: str, parameters: tuple[str, ...]) -> str:
    """With the names of a macro's arguments."""
    return _OWN.sub(lambda it: ARGUMENT + parameters[int(it[1])], text)
