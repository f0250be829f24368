"""The gate: plugins from headers start no slower than with hand-written ctypes.

The plugins are those of tests/hosts; beside each the one in by_hand, which does the same without
`epy.header`. Counted are the instructions of `dlopen` with `epy build --eager`, by callgrind: a
figure almost without noise. Exit status 1 above the limit.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOSTS = HERE.parent.parent / "tests" / "hosts"


def build_host(folder: Path) -> Path:
    host = folder / "host"
    subprocess.run(["cc", "-O2", HERE / "host.c", "-o", host], check=True)
    return host


def count(host: Path, script: Path, plugin: Path) -> int:
    """Instructions of a process that opens the plugin."""
    build: list[str | Path] = [
        sys.executable,
        "-m",
        "epy",
        "build",
        "--eager",
        script,
        "-o",
        plugin,
    ]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([host, "start", plugin], check=True)  # after it all .pyc files are there
    counting = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={plugin}.callgrind"]
    counted = subprocess.run([*counting, host, "start", plugin], check=True, capture_output=True)
    found = re.search(rb"Collected : (\d+)", counted.stderr)
    assert found, counted.stderr.decode()
    return int(found[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to build in")
    parser.add_argument("--at-most", type=float, required=True, help="ratio")
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
    return int(worst > options.at_most)


if __name__ == "__main__":
    sys.exit(main())
