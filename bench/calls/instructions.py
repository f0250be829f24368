"""The gate: how many instructions a call of epy's may take.

    instructions.py FOLDER add=1320 ...

Runs the host, with epy alone, under callgrind, which no other program disturbs. The least of three
runs counts: names have other hashes in each, so that CPython's look-ups collide more or less often.
Exit status 1 above a limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from make import build_host, build_plugin, copy_scripts
from report import read_instructions

RUNS = 3


def count(folder: Path) -> dict[str, float]:
    """Instructions per call, by signature."""
    folder.mkdir(parents=True, exist_ok=True)
    host = build_host(folder)
    copy_scripts(folder)
    build_plugin(folder, "epy_plugin")
    runs = [_run(folder, host) for _ in range(RUNS)]
    return {name: min(run[name] for run in runs) for name in runs[0]}


def _run(folder: Path, host: Path) -> dict[str, float]:
    for old in folder.glob("callgrind.*"):
        old.unlink()
    counting = [
        *("valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no"),
        f"--callgrind-out-file={folder}/callgrind",
        *(str(host), sys.executable, str(folder), "count", "epy"),
    ]
    subprocess.run(
        counting,
        check=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    return {name: cells["epy"] for name, cells in read_instructions(folder).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to build in")
    parser.add_argument("limits", metavar="SIGNATURE=AT_MOST", nargs="+")
    options = parser.parse_args()
    limits = {name: float(limit) for name, limit in (one.split("=") for one in options.limits)}
    counted = count(options.folder.resolve())
    print("| function | instructions a call | at most |\n| --- | ---: | ---: |")
    for name, limit in limits.items():
        print(f"| {name} | {counted[name]:,.1f} | {limit:,.0f} |")
    return int(any(counted[name] > limit for name, limit in limits.items()))


if __name__ == "__main__":
    sys.exit(main())
