"""What a batch saves: instructions of a call of epy's int add by itself, and inside of epy_enter.

Runs a host of epy.h under callgrind. Exit status 1 if a call in a batch takes more than the limit,
as a share of the other.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

CALLS = 1000

SCRIPT = """
import epy

@epy.export("int add(int a, int b)")
def add(a, b):
    return a + b
"""

HOST = """
#include <epy.h>

static int (*add)(int, int);

__attribute__((noinline, noclone)) int calls(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        sum = add(sum, 1);
    }
    return sum;
}

int main(int argc, char **argv) {
    void *handle = dlopen(argv[1], RTLD_NOW);
    epy_plugin *plugin = epy_plugin_of(handle);
    epy_scope batch;
    if (epy_start(plugin) != 0) {
        return 1;
    }
    *(void **)&add = dlsym(handle, "add");
    for (int i = 0; i < 100; ++i) {
        add(i, 1);
    }
    if (argc == 2) {
        return calls(COUNT) != COUNT;
    }
    if (epy_enter(&batch) != 0 || calls(COUNT) != COUNT) {
        return 1;
    }
    epy_leave(&batch);
    return 0;
}
"""


def build(folder: Path) -> tuple[Path, Path]:
    """The host and its plugin."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adder.py").write_text(SCRIPT)
    (folder / "batch.c").write_text(HOST.replace("COUNT", str(CALLS)))
    epy = [sys.executable, "-m", "epy"]
    plugin = folder / "adder.so"
    subprocess.run(
        [*epy, "build", str(folder / "adder.py"), "-o", str(plugin)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    flags = subprocess.run(
        [*epy, "--cflags", "--libs"], check=True, capture_output=True, text=True
    ).stdout
    host = folder / "batch"
    subprocess.run(
        [
            "cc",
            "-O2",
            "-fno-strict-aliasing",
            "-o",
            str(host),
            str(folder / "batch.c"),
            *shlex.split(flags),
        ],
        check=True,
    )
    return host, plugin


def count(folder: Path, host: Path, plugin: Path, *more: str) -> float:
    """Instructions a call."""
    out = folder / "callgrind.batch"
    subprocess.run(
        [
            *("valgrind", "--quiet", "--tool=callgrind", "--toggle-collect=calls"),
            *(f"--callgrind-out-file={out}", str(host), str(plugin), *more),
        ],
        check=True,
        env=dict(os.environ),
    )
    found = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / CALLS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to build in")
    parser.add_argument("--at-most", type=float, required=True)
    options = parser.parse_args()
    folder = options.folder.resolve()
    host, plugin = build(folder)
    alone = count(folder, host, plugin)
    batch = count(folder, host, plugin, "batch")
    print(
        f"int add: {alone:,.1f} instructions a call, {batch:,.1f} inside of epy_enter: "
        f"{batch / alone:.2f} of it, at most {options.at_most} allowed"
    )
    return batch / alone > options.at_most


if __name__ == "__main__":
    sys.exit(main())
