"""Two plugins called at once, with an interpreter for each and with one for both.

python bench/isolation/measure.py PYTHON [ROUNDS] prints the table. PYTHON is one of 3.13 or newer
that epy has a core for. Rounds take turns; medians.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from epy._command.build import build

SCRIPT = """
import epy

@epy.export("int work(int)")
def work(amount):
    done = 0
    while done < amount:
        done += 1
    return done
"""
ROWS = ((1, 200_000), (100, 20_000), (10_000, 400))  # rounds of the loop in a call, calls


def main() -> None:
    python, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    folder = Path(tempfile.mkdtemp(prefix="epy-isolation."))
    host = folder / "host"
    source = Path(__file__).with_name("host.c")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", host, source, "-pthread"], check=True)
    (folder / "work.py").write_text(SCRIPT)
    plugins = {}
    for isolation in ("shared", "own-gil"):
        plugins[isolation] = [
            build(
                folder / "work.py",
                folder / f"{i}-{isolation}.so",
                isolation=isolation,
                python=python,
            )
            for i in range(2)
        ]
    print("| rounds in a call | | one thread, ns a call | two at once, ns | both to one |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for amount, calls in ROWS:
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in plugins}
        for _ in range(rounds):
            for name, pair in plugins.items():
                command = [host, *pair, str(calls), str(amount)]
                words = subprocess.check_output(command, text=True).split()
                found[name].append((float(words[0]), float(words[1])))
        for name, pairs in found.items():
            one, two = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(2 * one / two for one, two in pairs)
            print(f"| {amount:,} | {name} | {one:,.0f} | {two:,.0f} | {ratio:.2f} |")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
