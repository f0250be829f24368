"""Every page of the documentation does what it shows.

A block with a caption is a file of that name, beside the others of its page. A block of the
language `console` is a session: a line that begins with `$ ` is a command, what follows is what it
prints, where `...` stands for anything. All other blocks are of the language `text`: no code. A
comment `needs: vim /dev/fuse` names programs, files and Python's modules without which the page is
skipped: those that `tests/setup.sh`, with `--python-hosts` or `--further-hosts`, installs. A
comment `tried: command` has one that fails where the system does not allow what the page shows.
"""

import glob
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))

_FENCE = re.compile(r"^(`{3,}|:{3,})(.*?)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"^:(\w+): (.*)\n", re.MULTILINE)
_DRAWN = ("{graphviz}", "{toctree}", "{note}", "{tip}", "{warning}", "{eval-rst}", "{figure}")


class Block(NamedTuple):
    """One fenced block of a page."""

    language: str
    name: str  # of the file; empty for none
    text: str
    line: int


class Command(NamedTuple):
    """A line of a session, and what it prints."""

    command: str
    output: str


def blocks(page: Path) -> list[Block]:
    """The blocks that show code. ValueError for one that nothing would run."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        kind, body = match[2].strip(), match[3]
        line = text.count("\n", 0, match.start()) + 1
        if kind.startswith(_DRAWN):
            continue
        options = {}
        while option := _OPTION.match(body):
            options[option[1]] = option[2]
            body = body[option.end() :]
        language = kind.removeprefix("{code-block}").strip()
        name = options.get("caption", "").partition(" ")[0]
        if language not in ("console", "text") and not name:
            raise ValueError(f"{page}:{line}: a block of {language!r} without a caption")
        found.append(Block(language, name, body.lstrip("\n") if options else body, line))
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a session."""
    found: list[Command] = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = next(i for i, it in enumerate(lines) if not it.endswith("\\\n"))
        command = "".join(lines[: end + 1]).rstrip("\n")
        found.append(Command(command, "".join(lines[end + 1 :])))
    return found


def matches(expected: str, printed: str) -> bool:
    """Whether it is what is shown, where `...` stands for anything."""
    pattern = ".*?".join(re.escape(part) for part in expected.rstrip("\n").split("..."))
    return re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL) is not None


LIMIT = 600  # seconds for a command: it hangs


@pytest.fixture
def shell(tmp_path):
    """`shell(command)`: what it prints, in the folder of the page, with `epy` on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, arguments in (("epy", "-m epy"), ("python3", ""), ("pytest", "-m pytest -q")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    for program in map(Path, glob.glob("/usr/lib/postgresql/*/bin/*")):
        if program.name in ("initdb", "postgres"):  # which do not run for root, and are not on PATH
            user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
            other = f"unshare --user --map-user={user} --map-group={user} " if user else ""
            (programs / program.name).write_text(f'#!/bin/sh\nexec {other}"{program}" "$@"\n')
            (programs / program.name).chmod(0o755)
    folder = tmp_path / "page"
    folder.mkdir()
    # Shells split what `epy --cflags` prints, and this clone's path may have a space.
    installed = tmp_path / "installed"
    installed.symlink_to(Path(os.environ["EPY_BUILD_DIR"]) / "python")
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "NO_COLOR": "1",
    }

    def shell(command):
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT,
        )
        return result.stdout

    shell.folder = folder
    return shell


@pytest.mark.parametrize("page", PAGES, ids=lambda it: str(it.relative_to(DOCS)))
def test_page(page, shell):
    text = page.read_text(encoding="utf-8")
    needed, tried = (re.search(rf"<!-- {it}: (.+) -->", text) for it in ("needs", "tried"))
    for name in needed[1].split() if needed else ():
        if not (glob.glob(name) if "/" in name else shutil.which(name) or find_spec(name)):
            pytest.skip(f"not run: {name} is missing: see tests/setup.sh --further-hosts")
    if tried and not shell(f"{tried[1]} >&2 && echo done").endswith("done\n"):
        pytest.skip(f"not run: `{tried[1]}` fails here")
    for block in blocks(page):
        if block.name:
            (shell.folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (shell.folder / block.name).write_text(block.text)
        elif block.language == "console":
            for command, expected in commands(block):
                printed = shell(command)
                assert matches(expected, printed), (
                    f"{page}:{block.line}: $ {command}\n--- shown\n{expected}--- printed\n{printed}"
                )


def test_a_wrong_output_is_found():
    block = Block("console", "", "$ echo one \\\n  two\none two\n$ echo three\n...ee\n", 1)
    first, second = commands(block)
    assert first == ("echo one \\\n  two", "one two\n")
    assert matches(first.output, "one two\n") and not matches(first.output, "one 2\n")
    assert matches(second.output, "three\n")


def test_a_block_that_nothing_runs_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\nprint(1)\n```\n")
    with pytest.raises(ValueError, match=r"page.md:3: a block of 'python' without a caption"):
        blocks(page)


def test_the_comparison_has_the_figures_of_the_bench():
    found = json.loads((DOCS.parent / "bench" / "results.json").read_text())
    text = (DOCS / "comparison.md").read_text()
    rows = re.findall(r"^\| \**([\w ,]+?)\** \| ([\d,]+(?: \| [\d,]+){4}) \|$", text, re.MULTILINE)
    names = {"C API by hand": "capi", "cffi, embedding": "cffi", "cffi, callback": "cffi_abi"}
    main, thread = found["ns"]["T1"], found["ns"]["T2"]
    for name, cells in rows:
        key = names.get(name, name.lower())
        figures = [main[it][key] for it in ("add", "len", "mixed")]
        figures += [thread["add"][key], found["instructions"][key]]
        assert cells == " | ".join(f"{it:,.0f}" for it in figures), name
    assert {names.get(name, name.lower()) for name, _ in rows} == (
        {"epy", "capi", "cython", "nanobind", "pybind11", "ctypes", "cffi", "cffi_abi"}
    )
