#!/usr/bin/env python3
"""Measure loading: epy's plugins beside plain C ones, in one run. README.md has the method.

bench/load/run.py [BUILD_FOLDER]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
FUNCTIONS = 1000
PLUGINS = 40  # further ones

MANY = "import epy\n" + "".join(
    f'@epy.export("int f{i}(int a)")\ndef f{i}(a):\n    return a + {i}\n' for i in range(FUNCTIONS)
)
MANY_C = "".join(f"int f{i}(int a) {{ return a + {i}; }}\n" for i in range(FUNCTIONS))
ONE = 'import epy\n@epy.export("int add(int a, int b)")\ndef add(a, b):\n    return a + b\n'
ONE_C = "int add(int a, int b) { return a + b; }\n"
# A struct of functions, as plugin interfaces have it: from a header, and written by hand.
NAMES = [f"f{i}" for i in range(12)]
HEADER = (
    "typedef struct table { const char *name;"
    + "".join(f" int (*{name})(int, void *);" for name in NAMES)
    + " } table; int add(int a, int b);"
)
FROM_HEADER = f"""\
import epy
host = epy.header({HEADER!r})
def run(number, data):
    return number
table = host.table("table", {"run, " * len(NAMES)})
@host.export
def add(a, b):
    return a + b
"""
BY_HAND = f"""\
import epy
from ctypes import CFUNCTYPE, Structure, c_char_p, c_int, c_void_p
Function = CFUNCTYPE(c_int, c_int, c_void_p)
class Table(Structure):
    _fields_ = [("name", c_char_p), *((name, Function) for name in {NAMES!r})]
def run(number, data):
    return number
table = Table(b"table", *(epy.callback(Function, run) for _ in range({len(NAMES)})))
@epy.export("int add(int a, int b)")
def add(a, b):
    return a + b
"""
LONG_HEADER = "".join(
    f"#define ITEM_{i} ({i} << 2 | 1)\n"
    f"typedef struct item_{i} {{\n"
    "    int count;\n"
    "    const char *name;\n"
    f"    int (*call)(struct item_{i} *self, unsigned long value, void *data);\n"
    f"}} item_{i};\n"
    f"int item_{i}_run(item_{i} *item, const char *text, unsigned long size);\n"
    "\n"
    for i in range(1250)
)
LONG = 'import epy\nhost = epy.header("long.h")\n@host.export\ndef item_7_run(*a):\n    return 0\n'
NATIVE = """\
from ctypes import CDLL
import epy
epy.export_address("add", CDLL({library!r}).add)
"""


@dataclass
class Row:
    """One line of the table: epy's value beside that of plain C, and what epy's may be at most."""

    what: str
    value: float
    unit: str
    plain: float | None = None
    limit: float | None = None
    ratio_limit: float | None = None
    difference_limit: float | None = None

    def missed(self) -> bool:
        plain = self.plain or 0.0
        return (
            (self.limit is not None and self.value > self.limit)
            or (self.ratio_limit is not None and self.value > self.ratio_limit * plain)
            or (self.difference_limit is not None and self.value - plain > self.difference_limit)
        )

    def cells(self) -> Iterator[str]:
        yield self.what
        yield f"{self.value:.4g} {self.unit}"
        yield "" if self.plain is None else f"{self.plain:.4g} {self.unit}"
        yield "" if self.plain is None else f"{self.value / self.plain:.2f}"
        limits = []
        if self.ratio_limit is not None:
            limits.append(f"{self.ratio_limit:g}x")
        if self.limit is not None:
            limits.append(f"{self.limit:g} {self.unit}")
        if self.difference_limit is not None:
            limits.append(f"+{self.difference_limit:g} {self.unit}")
        yield ", ".join(limits)
        yield "MISSED" if self.missed() else "yes"


class Bench:
    def __init__(self, build: Path, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(build / "python")}
        self.host = folder / "host"
        self._run("cc", "-O2", "-Wall", "-Wextra", HERE / "host.c", "-o", self.host)

    def _run(self, *command: str | Path) -> str:
        return subprocess.run(
            list(map(str, command)),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environment,
        ).stdout

    def plain(self, name: str, source: str) -> Path:
        """A plain C plugin."""
        text = self.folder / f"{name}.c"
        text.write_text(source)
        library = self.folder / f"{name}.so"
        self._run("cc", "-O2", "-shared", "-fPIC", text, "-o", library)
        return library

    def plugin(self, name: str, script: str) -> Path:
        """The same made by epy."""
        text = self.folder / f"{name}.py"
        text.write_text(script)
        plugin = self.folder / f"{name}.so"
        self._run(PYTHON, "-m", "epy", "build", text, "-o", plugin)
        return plugin

    def medians(self, what: str, rounds: int, *files: Path) -> list[float]:
        """Nanoseconds of each file."""
        lines = self._run(self.host, what, str(rounds), *files).splitlines()
        samples = [map(float, line.split()) for line in lines]
        return [median(column) for column in zip(*samples, strict=True)]

    def first_calls(self, rounds: int, *files: Path) -> list[float]:
        """Milliseconds of each file's dlopen and first call, in processes that take turns."""
        spent = [
            [float(self._run(self.host, "call-each", file).split()[2]) / 1e6 for file in files]
            for _ in range(rounds)
        ]
        return [median(column) for column in zip(*spent, strict=True)]

    def further_plugins(self, rounds: int) -> tuple[float, float]:
        """Milliseconds and KB that one more plugin adds to a process."""
        files = [self.plugin(f"further_{number}", ONE) for number in range(PLUGINS + 1)]
        os.sync()  # a page that the disk has not yet got counts as the process's own
        runs = [
            [float(word) for word in self._run(self.host, "call-each", *files).split()]
            for _ in range(rounds + 1)
        ][1:]  # the first has written .pyc files
        spent = [nanoseconds / 1e6 for _, _, _, *further in runs for nanoseconds in further]
        return median(spent), median((last - first) / PLUGINS for first, last, *_ in runs)

    def build_seconds(self, rounds: int, name: str, script: str) -> float:
        spent = []
        for _ in range(rounds):
            start = time.perf_counter()
            self.plugin(name, script)
            spent.append(time.perf_counter() - start)
        return median(spent)

    def rows(self) -> Iterator[Row]:
        many, many_c = self.plugin("many", MANY), self.plain("many_c", MANY_C)
        opened, opened_c = self.medians("open", 2000, many, many_c)
        yield Row(f"dlopen, {FUNCTIONS} exports", opened / 1e3, "us", opened_c / 1e3, ratio_limit=3)
        found, found_c = self.medians("dlsym", 2000, many, many_c)
        yield Row("dlsym", found, "ns", found_c, ratio_limit=1.2)
        native_c = self.plain("native_c", ONE_C)
        native = self.plugin("native", NATIVE.format(library=str(native_c)))
        called, called_c = self.medians("call", 1000, native, native_c)
        yield Row("call through a trampoline", called, "ns", called_c, difference_limit=1)
        one = self.plugin("one", ONE)
        spent, memory = self.further_plugins(20)
        yield Row("each further plugin: dlopen, first call", spent, "ms", limit=0.15)
        yield Row("each further plugin: private memory", memory, "KB", limit=33)
        size = one.stat().st_size - len(ONE)
        yield Row("size of a plugin, without its script", size / 1e3, "KB", None, 160)
        yield Row("epy build", self.build_seconds(15, "one", ONE), "s", None, 0.5)
        (self.folder / "long.h").write_text(LONG_HEADER)
        long = self.build_seconds(3, "long", LONG)
        yield Row("epy build with a header of 10,000 lines", long, "s", None, 3)
        by_header, by_hand = self.first_calls(
            60, self.plugin("from_header", FROM_HEADER), self.plugin("by_hand", BY_HAND)
        )
        yield Row(
            "first call: a struct from a header, by hand", by_header, "ms", by_hand, None, 1.03
        )


def main() -> int:
    build = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "release").resolve()
    if not (build / "python" / "epy" / "stub.so").exists():
        print(f"{build}: not built; cmake --build --preset release", file=sys.stderr)
        return 2
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # caches stay warm between processes
    with tempfile.TemporaryDirectory() as folder:
        rows = list(Bench(build, Path(folder)).rows())
    header = ("what", "epy", "plain C", "ratio", "limit", "kept")
    print("| " + " | ".join(header) + " |\n" + "| --- " * len(header) + "|")
    for row in rows:
        print("| " + " | ".join(row.cells()) + " |")
    return 1 if any(row.missed() for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
