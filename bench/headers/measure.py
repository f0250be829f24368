"""Reading headers, beside what libclang alone needs to parse them, in one run.

`python bench/headers/measure.py [HEADER [FLAG ...]]`: the least of a few rounds, in milliseconds of
the processor. What the reader's process does is done here, without its start (about 40 ms): for a
script that names a score of the header's functions, and for one that may ask for anything.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from epy._c.header import Header
from epy._c.libclang import Library
from epy._c.part import Part
from epy._c.process import find_libclang

ROUNDS = 7
NAMES = 20
HEADERS = {"stdio.h": [], "sqlite3.h": [], "fuse3/fuse_lowlevel.h": ["-DFUSE_USE_VERSION=31"]}
THING = """\
/* What a thing {0} knows,
 * and what it can. */
struct thing_{0} {{
    const char *name;
    uint64_t size;
    struct thing_{0} *next;
    int (*call)(struct thing_{0} *thing, void *data);
}};
enum kind_{0} {{ FIRST_{0} = {0}, SECOND_{0}, THIRD_{0} }};
#define LIMIT_{0} ({0} << 2)
#define SIZE_OF_{0}(thing) ((thing)->size)
extern int open_{0}(struct thing_{0} *thing, const char *name, enum kind_{0} kind);
/** Returns 0, or an errno. */
extern int close_{0}(struct thing_{0} *thing);

typedef struct thing_{0} thing_{0}_t;
extern const char *name_{0}(const thing_{0}_t *thing);

"""
SCRIPT = """
import epy
{header}
@epy.export("int f(int)")
def f(x):
    return x
"""


def least(action: Callable[[], object]) -> float:
    """Milliseconds of the processor, of this process and those that it starts."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = _used()
        action()
        best = min(best, 1000 * (_used() - before))
    return best


def _used() -> float:
    own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def reading(name: str, flags: list[str]) -> tuple[float, float, float]:
    """libclang alone, what a script names, and all of it."""
    path, resources = find_libclang()
    clang = Library(path)
    arguments = [f"--target={os.uname().machine}-linux-gnu", "-resource-dir", resources, *flags]
    text = f'#include "{name}"\n'
    request = {
        "name": name,
        "text": text,
        "is_text": False,
        "folder": os.getcwd(),
        "arguments": arguments,
        "lang": "",
        "before": [],
        "describe": False,
    }
    given = ["-xc", "-std=gnu17", *arguments]

    def parse() -> None:
        clang.disposeTranslationUnit(clang.parse("bench.c", text.encode(), given, 0x41))

    whole = Header(clang, request)
    whole.read()
    functions = sorted(
        key for key, it in whole.names.items() if it[0] == "f" and key.isidentifier()
    )
    words = functions[:: max(1, len(functions) // NAMES)]
    part = {**request, "words": words}
    return (
        least(parse),
        least(lambda: Part(clang, part).read()),
        least(lambda: Header(clang, request).read()),
    )


def builds(name: str, flags: list[str]) -> tuple[float, float]:
    """A build of a script without a header, and of one whose header is cached."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for header in ("", f"host = epy.header({name!r})"):
            script = Path(folder, "script.py")
            script.write_text(SCRIPT.format(header=header))
            command = [sys.executable, "-m", "epy", "build", script, "-o", f"{folder}/a.so", *flags]
            build = lambda: subprocess.run(command, check=True, capture_output=True)  # noqa: B023, E731
            build()
            found.append(least(build))
    return found[0], found[1]


def main() -> None:
    gc.disable()
    asked = {sys.argv[1]: sys.argv[2:]} if sys.argv[1:] else HEADERS
    titles = [("libclang", 9), *[("named", 9), ("ratio", 7), ("all", 9), ("ratio", 7)]]
    titles += [("build", 9), ("cached", 9), ("ratio", 7)]
    print(" " * 24 + "".join(title.rjust(width) for title, width in titles))
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder, "10000_lines.h")
        long.write_text(
            "#include <stdint.h>\n" + "".join(map(THING.format, range(10000 // THING.count("\n"))))
        )
        report(asked if sys.argv[1:] else {**asked, str(long): []})


def report(headers: dict[str, list[str]]) -> None:
    for name, flags in headers.items():
        parse, part, whole = reading(name, flags)
        plain, cached = builds(name, flags)
        print(
            f"{os.path.basename(name):24}{parse:9.1f}{part:9.1f}{part / parse:7.2f}"
            f"{whole:9.1f}{whole / parse:7.2f}"
            f"{plain:9.0f}{cached:9.0f}{cached / plain:7.2f}"
        )


if __name__ == "__main__":
    main()
