"""The gate on what starts cost, in instructions, by callgrind: a figure almost without noise.

Plugins from headers start no slower than with hand-written ctypes. They are those of tests/hosts;
beside each the one in by_hand, which does the same without `epy.header`. Counted is `dlopen` with
`epy build --eager`.

The first call of a script whose C text names plain types, of one with ctypes' types, and what a
further export adds to the first, and a further plugin of one export, have a limit each. Exit status
1 above one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HOSTS = HERE.parent.parent / "tests" / "hosts"


def build_host(folder: Path) -> Path:
    host = folder / "host"
    subprocess.run(["cc", "-O2", HERE / "host.c", "-o", host], check=True)
    return host


PLAIN = """
import epy

@epy.export("int add(int a, int b)")
def add(a, b):
    return a + b
"""
WITH_CTYPES = """
from ctypes import c_int
import epy

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b
"""
FURTHER = 300  # exports
PLUGINS = 10  # further ones
TYPES = ("int", "double", "const char *", "void *", "unsigned", "size_t")


def with_further_exports() -> str:
    """The plain script, and others whose C types differ."""
    lines = [PLAIN]
    for number in range(FURTHER):
        first, second = TYPES[number % 6], TYPES[number // 6 % 6]
        lines.append(f'@epy.export("long f{number}({first} a, {second} b, char c)")')
        lines.append(f"def f{number}(a, b, c):\n    return 0\n")
    return "\n".join(lines)


def further_plugin(host: Path, first: Path, folder: Path) -> float:
    """Instructions that each further plugin of one export adds to a process."""
    others = [folder / f"plain{number}.so" for number in range(PLUGINS)]
    for other in others:
        script = other.with_suffix(".py")
        script.write_text(PLAIN)
        build: list[str | Path] = [sys.executable, "-m", "epy", "build", script, "-o", other]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([host, "call-each", *others], check=True, stdout=subprocess.DEVNULL)  # .pyc
    one, all_of_them = (
        instructions(host, "call-each", *files) for files in ([first], [first, *others])
    )
    return (all_of_them - one) / PLUGINS


def count(host: Path, script: Path, plugin: Path, what: str = "start") -> int:
    """Instructions of a process that opens the plugin, or calls it once."""
    build: list[str | Path] = [sys.executable, "-m", "epy", "build", script, "-o", plugin]
    if what == "start":
        build.append("--eager")
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([host, what, plugin], check=True, stdout=subprocess.DEVNULL)  # .pyc files
    return instructions(host, what, plugin)


def instructions(host: Path, what: str, plugin: Path, *more: Path, **options: Any) -> int:
    """Of the whole process, by callgrind. `options` are subprocess.run's."""
    counting = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={plugin}.callgrind"]
    command = [*counting, host, what, plugin, *more]
    counted = subprocess.run(command, check=True, capture_output=True, **options)
    found = re.search(rb"Collected : (\d+)", counted.stderr)
    assert found, counted.stderr.decode()
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to build in")
    parser.add_argument("--at-most", type=float, required=True, help="ratio")
    parser.add_argument("--plain", type=float, required=True, help="millions")
    parser.add_argument("--ctypes", type=float, required=True, help="millions")
    parser.add_argument("--further", type=float, required=True, help="thousands")
    parser.add_argument("--plugin", type=float, required=True, help="thousands")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    host = build_host(folder)
    print("| plugin | from the header | by hand | ratio |\n| --- | --- | --- | --- |")
    worst = 0.0
    for by_hand in sorted((HERE / "by_hand").glob("*.py")):
        name = by_hand.stem
        header = count(host, HOSTS / name / "check.py", folder / f"{name}_header.so")
        hand = count(host, by_hand, folder / f"{name}_hand.so")
        worst = max(worst, header / hand)
        print(f"| {name} | {header / 1e6:.2f} M | {hand / 1e6:.2f} M | {header / hand:.3f} |")
    print(f"instructions of a start; at most {options.at_most:g} times by hand is allowed")
    firsts = {}
    scripts = {"plain": PLAIN, "ctypes": WITH_CTYPES, "many": with_further_exports()}
    for name, text in scripts.items():
        script = folder / f"{name}.py"
        script.write_text(text)
        firsts[name] = count(host, script, folder / f"{name}.so", "call-each")
    rows = {
        "plain C text": (firsts["plain"] / 1e6, options.plain, "M"),
        "types of ctypes": (firsts["ctypes"] / 1e6, options.ctypes, "M"),
        "a further export": (
            (firsts["many"] - firsts["plain"]) / FURTHER / 1e3,
            options.further,
            "k",
        ),
    }
    plugin = further_plugin(host, folder / "plain.so", folder)
    rows["a further plugin"] = (plugin / 1e3, options.plugin, "k")
    print("| first call | instructions | at most |\n| --- | --- | --- |")
    for name, (found, limit, unit) in rows.items():
        print(f"| {name} | {found:.2f} {unit} | {limit:g} {unit} |")
    return int(worst > options.at_most or any(found > limit for found, limit, _ in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
