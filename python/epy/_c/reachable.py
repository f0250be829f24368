"""What definitions of a header lead to: a plugin stores those that its script may come to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .terms import CHOSEN, CONST

_WORD = re.compile(r"\w+")


def reachable(roots: Iterable[str], find: Callable[[str], Any]) -> dict[str, Any]:
    """These names, and all that they lead to, with what each stands for."""
    found: dict[str, Any] = {CHOSEN: ("c", 1)}
    rest = [name for name in roots if name != CONST]
    while rest:
        name = rest.pop()
        if name not in found and (meaning := find(name)) is not None:
            found[name] = meaning
            rest += references(meaning)
    _, constant = find(CONST) or ("c", "")
    found[CONST] = "c", " ".join(it for it in constant.split() if it.partition(":")[0] in found)
    return dict(sorted(found.items()))


def forms(word: str) -> Iterator[str]:
    """The names of a header that a word may stand for."""
    yield word
    for keyword in ("struct", "union", "enum"):
        yield f"{keyword} {word}"


def references(meaning: Any) -> Iterator[str]:
    """The names that a definition or a type leads to, and perhaps others."""
    match meaning:
        case ("m" | "x", str(expression), *_):
            for word in _WORD.findall(expression):
                yield from forms(word)
        case ("t", str(name)):
            yield name
        case ("struct" | "union" | "enum" as keyword, str(key)):
            yield f"{keyword} {key}"
        case tuple():
            for part in meaning:
                yield from references(part)
