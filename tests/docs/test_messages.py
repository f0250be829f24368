"""docs/messages.md has every message of the source, no other, and says what to do.

On the page `…` stands for what varies. In Python a message is the text that an exception is made
with, in C++ any text of some words where plugins start and hosts call (stub, loader/bootstrap,
loader/core/embed), and what raises one of epy's exceptions elsewhere; in both what begins "epy: ".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "messages.md"
LEAST = 3  # words: what has fewer is put together from others

_LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:PRI\w+\s*)?"(?:[^"\\\n]|\\.)*")*')
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_NO_TEXT = re.compile(r"^#include.*$|//.*$|^.*Py(?:Method|GetSet|Type)_?\w*.*$", re.MULTILINE)
_FORMAT = re.compile(r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?[hlzjt]{0,2}[a-zA-Z]")
_RAISES = re.compile(
    r"\b(?:raise|fail|refuse|set_error|report)\(|package::\w+_error"
    r"|\bpatience \w+\(|waiting\.emplace\(|waits_for_\w+\[\] ="
)
_NO_MESSAGE = re.compile(r"[A-Z].*\.|.*Exception object")  # docstrings, and lists of classes
_ROW = re.compile(r"^- `` (.+?) ``(?:\n  (.*))?$", re.MULTILINE)


class Row(NamedTuple):
    """A message on the page, and what to do, if the message itself does not say it."""

    message: str
    remedy: str


def messages() -> dict[str, str]:
    """Each message of the source, and the file that has it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "python" / "epy").rglob("*.py")):
        if "skeletons" not in path.parts:
            for text in _python(path.read_text("utf-8")):
                found.setdefault(text, str(path.relative_to(ROOT)))
    for path in sorted(
        it
        for folder in ("loader", "stub")
        for kind in ("*.cpp", "patient_*.h")
        for it in (ROOT / folder).rglob(kind)
    ):
        if path.name == "seal.cpp":  # a tool of the build
            continue
        for text in _cpp(str(path.relative_to(ROOT)), path.read_text("utf-8")):
            found.setdefault(text, str(path.relative_to(ROOT)))
    return {
        text: file
        for text, file in found.items()
        if _is_sentence(text) and not _NO_MESSAGE.fullmatch(text)
    }


def rows() -> list[Row]:
    """What the page has."""
    return [Row(*found) for found in _ROW.findall(PAGE.read_text("utf-8"))]


def pieces(text: str) -> list[str]:
    """What a message is put together from, where it does not vary."""
    return [part for it in text.split("…") if (part := it.strip(" '"))]


def has(whole: str, text: str) -> bool:
    """Whether a message, or a part of it, is in a row's: piece by piece."""
    at = 0
    for piece in pieces(text):
        at = whole.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _is_sentence(text: str) -> bool:
    return sum(bool(re.search("[a-z]{2}", word)) for word in text.split()) >= LEAST


def _python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name.endswith("Error"):
                yield _tidy(_text(node.args[0]))
        elif isinstance(node, (ast.Constant, ast.JoinedStr)) and _is_line(text := _text(node)):
            yield _tidy(text)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return "…"


def _cpp(path: str, source: str) -> Iterator[str]:
    everything = path.startswith(("stub", "loader/bootstrap", "loader/core/embed"))
    text = _NO_TEXT.sub("", source)
    for match in _LITERALS.finditer(text):
        before = text[max(0, match.start() - 120) : match.start()].rpartition(";")[2]
        whole = "".join(_LITERAL.findall(match[0])).replace('\\"', '"').replace("\\n", " ")
        if everything or _RAISES.search(before) or _is_line(whole):
            yield _tidy(_FORMAT.sub("…", whole))


def _is_line(text: str) -> bool:
    """Whether it is a line for stderr as it is."""
    return text.startswith("epy: ")


def _tidy(text: str) -> str:
    text = " ".join(text.removeprefix("epy: ").split()).replace("`", "'")
    return re.sub(r"…(?:…|\s(?=…))*", "…", text).strip()


# What to do, behind a message's colon or semicolon: some words, not what varies alone.
REMEDY = re.compile(r"[:;.] \S+ \S+")


def test_every_message_is_on_the_page():
    known = [row.message for row in rows()]
    lacking = [
        f"{file}: {text}"
        for text, file in messages().items()
        if not any(has(message, text) for message in known)
    ]
    assert lacking == [], "write them into docs/messages.md, with what to do"


def test_the_page_has_no_message_that_there_is_not():
    parts = {part.strip(" '.,;:()") for text in messages() for part in pieces(text)}
    longest = sorted((it for it in parts if len(it) > 9), key=len, reverse=True)
    strange = []
    for message, _ in rows():
        for piece in pieces(message):
            rest = piece.strip(" '.,;:()")
            if not any(rest in it for it in longest):
                for it in longest:
                    rest = rest.replace(it, "")
                if _is_sentence(rest):
                    strange.append(f"{message}: {rest}")
    assert strange == [], "no source says that any more: take them out of docs/messages.md"


def test_each_says_what_to_do():
    assert [row.message for row in rows() if not (row.remedy or REMEDY.search(row.message))] == []


def test_no_message_is_there_twice():
    found = [row.message for row in rows()]
    assert len(found) == len(set(found)) > 300
