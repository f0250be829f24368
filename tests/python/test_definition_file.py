"""The reader's side of tests/definitions.txt: what is stored of a header, part by part."""

from __future__ import annotations

import ast
import re
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

import epy
from epy._c import terms

PROJECT = Path(__file__).parents[2]
LINES = [
    [part.strip() for part in line.split("|")]
    for line in (PROJECT / "tests/definitions.txt").read_text().splitlines()
    if line and not line.startswith("# ") and line != "#"
]
NAMES = {name for name, value in vars(terms).items() if isinstance(value, itemgetter)}


@pytest.mark.parametrize("text, name, stored", [line[:3] for line in LINES if line[0]])
def test_the_reader_stores(text: str, name: str, stored: str) -> None:
    host: Any = epy.header(f"{text}\n")
    assert host._declarations.find(name) == ast.literal_eval(stored)


@pytest.mark.parametrize("stored, parts", [line[2:] for line in LINES])
def test_parts_have_names(stored: str, parts: str) -> None:
    for part in parts.split("; "):
        path, _, wanted = part.partition(" = ")
        found: Any = ast.literal_eval(stored)
        for step in path.split("."):
            found = found[int(step)] if step.isdigit() else _get(step)(found)
        assert found == ast.literal_eval(wanted), part


def _get(name: str) -> Any:
    """Some parts are the core's alone: it reads what is not made any more."""
    places = {"word": 0, "aligned_type": 1, "aligned_alignment": 2}
    return itemgetter(places[name]) if name in places else getattr(terms, name)


def test_the_core_has_the_same_names_and_the_file_has_all() -> None:
    text = (PROJECT / "loader/core/headers/kind.h").read_text()
    core = set(re.findall(r"constexpr auto (\w+) = part<", text))
    assert core - NAMES == {"word", "aligned_type", "aligned_alignment"}
    assert NAMES <= core
    used = {step for line in LINES for step in re.findall(r"[a-z]\w+_\w+(?=[. ])", line[3])}
    assert used >= NAMES
