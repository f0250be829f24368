"""What pages for developers name is there: files, and functions and classes in them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = r"[\w/.-]+\.(?:cpp|c|h|S|py|toml|txt|sh|pyi)"


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    places = re.findall(rf"`([\w:]+)(?:\(\))?`\s+\(({FILE})\)", text)
    missing = [
        f"{name} in {file}"
        for name, file in places
        if not (ROOT / file).is_file()
        or not re.search(rf"\b{name.rpartition(':')[2]}\b", (ROOT / file).read_text())
    ]
    files = re.findall(rf"(?<![\w/])(?:bench|loader|python|stub|tests)/{FILE}", text)
    missing += [file for file in files if not (ROOT / file).is_file()]
    assert missing == []
    assert len(places) > {"ARCHITECTURE.md": 30, "README.md": 7}.get(page, -1)


def test_each_way_has_five_lines() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    ways = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert [way.split("\n", 1)[0] for way in ways] == [
        "A build",
        "A load",
        "A call",
        "An unload",
    ]
    assert [re.findall(r"^(\d)\. ", way, re.MULTILINE) for way in ways] == [list("12345")] * 4


def test_what_the_core_takes_of_python_is_there() -> None:
    """Of the package's modules package.h alone speaks."""
    core = ROOT / "loader" / "core"
    wanted = re.findall(r'\{"(epy\.\S+)", "(\w+)"\}', (core / "package.h").read_text())
    assert len(wanted) > 25
    for module, name in wanted:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
    others = [
        f"{file.name}: {found}"
        for file in core.rglob("*.[ch]*")
        if file.name != "package.h"
        for found in re.findall(r'"epy\._(?!core\b)[\w.]+"', file.read_text())
    ]
    assert others == []
