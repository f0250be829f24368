"""What definitions of a header lead to: a plugin stores those that its script may come to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from .terms import CHOSEN, CONST

KEYWORDS = ("struct", "union", "enum")
# What an expression of a macro uses: functions, variables, types.
_NAMED = re.compile(r"(?:call|variable)\('(\w+)'|\('t', '(\w+)'\)")
_TAGGED = re.compile(r"\('(struct|union|enum)', '([^']+)'\)")


def chosen(
    names: Iterable[str],
    find: Callable[[str], Any],
    words: Iterable[str],
    roots: Iterable[str] = (),
) -> dict[str, Any]:
    """Of a header's names those that one of the words may mean, the roots, and what both lead to,
    with what each stands for."""
    found: dict[str, Any] = {CHOSEN: ("c", 1)}
    rest = list({*roots, *chain.from_iterable(map(forms, words))}.intersection(names))
    while rest:
        name = rest.pop()
        if name not in found and name != CONST and (meaning := find(name)) is not None:
            found[name] = meaning
            rest += references(meaning)
    _, constant = find(CONST) or ("c", "")
    found[CONST] = "c", " ".join(it for it in constant.split() if it.partition(":")[0] in found)
    return dict(sorted(found.items()))


def forms(word: str) -> Iterator[str]:
    """The names of a header that a word may stand for."""
    yield word
    for keyword in KEYWORDS:
        yield f"{keyword} {word}"


def references(meaning: Any) -> Iterator[str]:
    """The names that a definition or a type leads to, and perhaps others."""
    match meaning:
        case ("m" | "x", str(expression), *_):
            for names in _NAMED.findall(expression):
                yield from filter(None, names)
            for tag in _TAGGED.findall(expression):
                yield " ".join(tag)
        case ("t", str(name)):
            yield name
        case ("struct" | "union" | "enum" as keyword, str(key)):
            yield f"{keyword} {key}"
        case tuple():
            for part in meaning:
                yield from references(part)
