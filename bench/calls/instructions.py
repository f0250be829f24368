"""The gate: how many instructions a call of epy's int add may take.

Runs the host, with epy alone, under callgrind: a figure without noise. Exit status 1 above the
limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from make import build_host, build_plugin, copy_scripts
from report import read_instructions


def count(folder: Path) -> float:
    """Instructions per call."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("callgrind.*"):
        old.unlink()
    host = build_host(folder)
    copy_scripts(folder)
    build_plugin(folder, "epy_plugin")
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
    return read_instructions(folder)["epy"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to build in")
    parser.add_argument("--at-most", type=float, required=True)
    options = parser.parse_args()
    counted = count(options.folder.resolve())
    print(f"int add: {counted:,.1f} instructions a call, at most {options.at_most:,.0f} allowed")
    return counted > options.at_most


if __name__ == "__main__":
    sys.exit(main())
