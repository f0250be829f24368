"""No source file over 350 lines, no test file over 400, no function over 60: it has one idea.

A file that is longer says why in a line that begins with "Long because"; so does a function, in its
docstring or a comment. Docstrings do not count as lines of a function. Functions in C++ are
clang-tidy's (readability-function-size).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = {".py", ".pyi", ".c", ".cpp", ".h", ".hpp", ".S"}
REASON = "Long because"
LONGEST_FUNCTION = 60


def sources() -> list[Path]:
    """The project's own: what git knows, or is about to."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    paths = (ROOT / name for name in listed.split("\0") if name)
    return sorted(path for path in paths if path.suffix in KINDS and path.is_file())


def long_functions(text: str) -> list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            length = (node.end_lineno or 0) - node.lineno + 1
            length -= docstring.count("\n") + 1 if docstring else 0
            if length > LONGEST_FUNCTION:
                found.append((node, length))
    return found


def main() -> int:
    problems = []
    for path in sources():
        name = path.relative_to(ROOT)
        text = path.read_text()
        lines = text.splitlines()
        limit = 400 if name.parts[0] == "tests" else 350
        if len(lines) > limit and REASON not in text:
            problems.append(f"{name}: {len(lines)} lines; split it, or say why: '{REASON} ...'")
        for node, length in long_functions(text) if path.suffix == ".py" else []:
            if not any(REASON in line for line in lines[node.lineno - 1 : node.end_lineno]):
                problems.append(f"{name}:{node.lineno}: {node.name} has {length} lines")
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
