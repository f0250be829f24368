"""The folders name each other only as arrows.toml says, and nothing leads in a circle.

`arrows.py --picture` prints the pictures in ARCHITECTURE.md, which must be those of the table.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "ARCHITECTURE.md"
PACKAGE = ROOT / "python" / "epy"
TABLE = tomllib.loads(Path(__file__).with_name("arrows.toml").read_text())

Graph = dict[str, set[str]]


class Arrow(NamedTuple):
    kind: str  # a section of the table
    source: str
    target: str
    file: str
    line: int


def cpp_arrows() -> Iterator[Arrow]:
    files = [
        file.relative_to(ROOT).as_posix()
        for folder in ("loader", "stub")
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in (".cpp", ".c", ".h", ".S")
    ]
    for file in files:
        for number, line in enumerate((ROOT / file).read_text().splitlines(), 1):
            if found := re.match(r'#include "(.+)"', line):
                if not (ROOT / found[1]).is_file():
                    sys.exit(f"{file}:{number}: name the file from the project's folder: {line}")
                yield Arrow("cpp", node("cpp", file), node("cpp", found[1]), file, number)


def node(kind: str, file: str) -> str:
    return file if file in TABLE[kind] else file.rpartition("/")[0]


def imports(tree: ast.AST, kind: str = "import") -> Iterator[tuple[str, ast.ImportFrom]]:
    """Relative imports, and whether they wait until a function runs."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.ImportFrom) and child.level:
            yield kind, child
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from imports(ast.Module(child.body, []), "later")
            yield from imports(ast.Module(child.orelse, []), kind)
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(child, "later" if is_function else kind)


def module(place: Path) -> Path | None:
    """The file of a module or package, of what an import spells as this place."""
    files = (f"{place}.py", f"{place}.pyi", f"{place}/__init__.py")
    return next((Path(file) for file in files if Path(file).is_file()), None)


def python_arrows() -> Iterator[Arrow]:
    """From file to file: `epy/_host/put.py`."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for kind, found in imports(ast.parse(file.read_text())):
            base = file.parents[found.level - 1] / (found.module or "").replace(".", "/")
            for name in found.names:
                target = module(base / name.name) or module(base)
                if target is None:
                    sys.exit(f"{file}:{found.lineno}: nothing to import")
                source = file.relative_to(PACKAGE.parent).as_posix()
                to = target.relative_to(PACKAGE.parent).as_posix()
                yield Arrow(kind, source, to, source, found.lineno)


def circle(graph: Graph) -> list[str] | None:
    """The first circle that is found."""
    done: set[str] = set()

    def walk(place: str, way: list[str]) -> list[str] | None:
        if place in way:
            return [*way[way.index(place) :], place]
        if place not in done:
            done.add(place)
            for target in sorted(graph.get(place, ())):
                if found := walk(target, [*way, place]):
                    return found
        return None

    return next((found for place in sorted(graph) if (found := walk(place, []))), None)


def without(place: str, *tables: dict[str, list[str]]) -> Graph:
    graph: Graph = {}
    for table in tables:
        for source, targets in table.items():
            if source != place:
                graph.setdefault(source, set()).update(set(targets) - {place})
    return graph


def shown(graph: Graph) -> list[tuple[str, str]]:
    """The arrows that no others imply."""

    def reached(place: str) -> set[str]:
        return set().union(*({target} | reached(target) for target in graph.get(place, ())))

    return [
        (source, target)
        for source in sorted(graph)
        for target in sorted(graph[source])
        if not any(target in reached(other) for other in graph[source])
    ]


def pictures() -> list[str]:
    """Two, for mermaid: C++, and Python with what is imported later dashed."""
    loaded = shown(without("", TABLE["import"]))
    later = [(source, target) for source, targets in TABLE["later"].items() for target in targets]
    later = [arrow for arrow in later if arrow[1] not in TABLE["import"].get(arrow[0], ())]
    lines = (
        [f"    {name(a)} --> {name(b)}" for a, b in shown(without("", TABLE["cpp"]))],
        [f"    {name(a)} --> {name(b)}" for a, b in loaded]
        + [f"    {name(a)} -.-> {name(b)}" for a, b in later],
    )
    return ["```mermaid\nflowchart TD\n" + "\n".join(part) + "\n```\n" for part in lines]


def name(place: str) -> str:
    return f'{re.sub(r"[^a-z]", "_", place)}["{place}"]'


def main() -> int:
    if sys.argv[1:] == ["--picture"]:
        print("\n".join(pictures()), end="")
        return 0
    problems = []
    modules: Graph = {}
    drawn = set()
    arrows = list(cpp_arrows())
    for arrow in python_arrows():
        if arrow.kind == "import" and arrow.source != arrow.target:
            modules.setdefault(arrow.source, set()).add(arrow.target)
        ends = (node(arrow.kind, arrow.source), node(arrow.kind, arrow.target))
        arrows.append(arrow._replace(source=ends[0], target=ends[1]))
    for arrow in arrows:
        drawn.add(arrow[:3])
        if arrow.source != arrow.target and (
            arrow.target not in TABLE[arrow.kind].get(arrow.source, ())
        ):
            problems.append(
                f"{arrow.file}:{arrow.line}: {arrow.source} -> {arrow.target} is no arrow of "
                f"tests/lint/arrows.toml ({arrow.kind})"
            )
    for kind, table in TABLE.items():
        for source, targets in table.items():
            for target in targets:
                if (kind, source, target) not in drawn:
                    problems.append(f"arrows.toml ({kind}): {source} -> {target} is not needed")
    for what, graph in (
        ("C++'s folders", without("", TABLE["cpp"])),
        ("Python's folders", without("epy", TABLE["import"], TABLE["later"])),
        ("Python's modules, while they are loaded", modules),
    ):
        if found := circle(graph):
            problems.append(f"a circle of {what}: {' -> '.join(found)}")
    if any(picture not in MAP.read_text() for picture in pictures()):
        problems.append(
            "ARCHITECTURE.md: its pictures are not those of tests/lint/arrows.py --picture"
        )
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
