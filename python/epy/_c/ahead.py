"""The prototypes of a script, read in one look before they are asked for.

Clang needs as long for one as for a thousand. What a script's module has as text is a prototype if
Clang finds that it is one; what is wrong is told when it is used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType
from typing import Any

from .._errors import HeaderError
from . import process

# What cannot change how another line is read.
_PLAIN = re.compile(r"(?!.*\b(?:typedef|asm)\b)[\w\s*(),.\[\]]*\w[\s*]*\([\w\s*(),.\[\]]*\)")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_COMPLEX = re.compile(r"\b(float|double)\s+complex\b")  # <complex.h> has a macro
_LONG = 2000  # characters: data, which the pattern needs time for
_Key = tuple[str, tuple[str, ...]]  # a prototype, and the lines of C before it

_answers: dict[_Key, dict[str, Any] | None] = {}


def one_line(text: str) -> str:
    plain = _COMPLEX.sub(r"\1 _Complex", _COMMENT.sub(" ", text))
    return " ".join(plain.split()).rstrip("; ")


def request(text: str, lines: tuple[str, ...]) -> dict[str, Any]:
    """For the type of one prototype."""
    return {
        "kind": "prototype",
        "name": "<prototype>",
        "text": text,
        "is_text": True,
        "folder": "/",
        "arguments": [],
        "lang": "c",
        "before": list(lines),
    }


def find(
    text: str, lines: tuple[str, ...], lines_of: Callable[[str], tuple[str, ...]], keep: bool
) -> dict[str, Any] | None:
    """The answer to `request`; None if that has to be asked."""
    if (text, lines) not in _answers:
        texts = dict.fromkeys(filter(_is_plain, map(one_line, _texts_around(text))))
        new = [key for key in ((it, lines_of(it)) for it in texts) if key not in _answers]
        _answers.update(dict.fromkeys([*new, (text, lines)]))
        if len(new) > 1:
            before = tuple(dict.fromkeys(line for key in new for line in key[1]))
            whole = {**request("", before), "kind": "prototypes", "texts": [it for it, _ in new]}
            with suppress(HeaderError):  # which the one that is asked for tells itself
                _answers.update(zip(new, process.ask(whole, keep)["found"], strict=True))
    return _answers[text, lines]


def _is_plain(text: str) -> bool:
    is_balanced = text.count("(") == text.count(")") and text.count("[") == text.count("]")
    return is_balanced and len(text) < _LONG and _PLAIN.fullmatch(text) is not None


def _texts_around(text: str) -> list[str]:
    """The constants of the module that is being run and has this text."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "<module>":
            texts = list(_texts(frame.f_code))
            if text in map(one_line, texts):
                return texts
    return []


def _texts(constant: object) -> Iterator[str]:
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, (tuple, CodeType)):
        inner = constant.co_consts if isinstance(constant, CodeType) else constant
        for one in inner:
            yield from _texts(one)
