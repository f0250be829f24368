"""What a script imports at its top and the Python that is to run it does not have: a warning.

A script runs where it is built, so what is missing there is an error already. Another Python, named
with --python, is asked; of a standalone plugin's nothing is known but the standard library.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

from .._modules import Sources

_QUESTION = """
import importlib.util, sys
for name in sys.argv[1:]:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is None:
        print(name)
"""
_TIMEOUT = 60  # seconds: the Python hangs


def warnings(source: str, sources: Sources, executable: str, standalone: bool) -> Iterator[str]:
    """One line for what is missing."""
    own = {name.partition(".")[0] for name in sources.members if name}
    wanted = {name for member in sources.members.values() for name in _imported(*member)}
    wanted -= {*own, *sys.stdlib_module_names, "epy"}
    if sources.package:
        wanted.discard(os.path.basename(source))
    if not wanted:
        return
    if standalone:
        names = ", ".join(sorted(wanted))
        yield (
            f"{source}: imports {names}, which the Python that it finds where it runs must have; "
            f"install it there: python3 -m pip install {names.replace(',', '')}"
        )
    elif executable != sys.executable:
        missing = _missing(executable, sorted(wanted))
        if missing:
            names = " ".join(missing)
            yield (
                f"{source}: imports {', '.join(missing)}, which {executable} does not have; "
                f"install it there: {executable} -m pip install {names}"
            )


def _missing(executable: str, names: list[str]) -> list[str]:
    try:
        answer = subprocess.run(
            [executable, "-I", "-c", _QUESTION, *names],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.split()


def _imported(filename: str, source: bytes) -> Iterator[str]:
    """The first names of what a module always imports: `try` and `if` may do without."""
    for node in ast.parse(source, filename).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
