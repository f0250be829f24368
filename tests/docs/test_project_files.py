"""What the files about the project name is there: paths, presets, labels, commands, sections."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from epy._command.cli import parser

ROOT = Path(__file__).parents[2]
ABOUT = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob(".github/**/*.md"))]
PAGES = [*ABOUT, *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("bench/**/*.md"))]
# Of the names of folders; a word before or behind makes it another path.
_PATH = re.compile(
    r"(?<![\w/.~$-])((?:\.ci|\.github|bench|docs|loader|python|stub|tests)/[\w./*-]*\w)(?![\w*<])"
)


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("file", ABOUT, ids=name)
def test_paths_are_there(file):
    found = set(_PATH.findall(file.read_text("utf-8")))
    assert {path for path in found if not [*ROOT.glob(path)]} == set()


@pytest.mark.parametrize("file", ABOUT, ids=name)
def test_links_lead_somewhere(file):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text("utf-8")):
        assert (file.parent / target).exists(), target


def test_the_first_page_has_each_host():
    listed = set(
        re.findall(r"\]\((hosts/[^)]+\.md)\)", (ROOT / "docs/index.md").read_text("utf-8"))
    )
    assert listed == {f"hosts/{it.name}" for it in ROOT.glob("docs/hosts/*.md")} - {
        "hosts/index.md"
    }


def test_presets_and_labels_are_there():
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    known = {it["name"] for kind in presets.values() if isinstance(kind, list) for it in kind}
    cmake = (ROOT / "tests/CMakeLists.txt").read_text("utf-8")
    labels = set(re.findall(r"LABELS \"?([\w-]+)", cmake)) | {"lint"}
    for file in ABOUT:
        text = file.read_text("utf-8")
        assert set(re.findall(r"--preset ([\w-]+)", text)) <= known, file
        assert set(re.findall(r"ctest .*-L ([\w-]+)", text)) <= labels, file


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_commands_of_epy_are_there(file):
    """Also each option that is written behind one."""
    (commands,) = (it.choices for it in parser()._actions if it.dest == "command")
    for command, rest in re.findall(
        r"`(?:\$ )?epy ([a-z]+)((?: [^`]*)?)`", file.read_text("utf-8")
    ):
        assert command in commands, command
        known = {it for action in commands[command]._actions for it in action.option_strings}
        own = rest.partition(" -- ")[0]  # what follows is a host's
        assert set(re.findall(r"(?<=\s)--[a-z][\w-]*", own)) <= known, rest


def test_who_reports_is_asked_for_what_helps():
    for file in ROOT.glob(".github/ISSUE_TEMPLATE/*.md"):
        head = file.read_text("utf-8").split("---\n")[1]
        assert re.fullmatch(r"name: .+\nabout: .+\n", head), file
    bug = (ROOT / ".github/ISSUE_TEMPLATE/bug.md").read_text("utf-8")
    assert "epy doctor" in bug and "stderr" in bug
    assert "privately" in (ROOT / "SECURITY.md").read_text("utf-8")


def test_a_release_has_a_list_of_steps():
    section = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## A release\n")[2]
    steps = re.findall(r"^(\d)\. ", section.partition("\n## ")[0], re.MULTILINE)
    assert steps == [*map(str, range(1, len(steps) + 1))] and len(steps) > 4
