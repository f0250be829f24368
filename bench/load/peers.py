"""What the first call of `int add(int, int)` costs, with epy and with its peers.

Counted are the instructions of the whole process, by callgrind, the milliseconds that `dlopen` and
the call take, the median of processes that take turns, and the memory that the process has written
to and shares with no other.

bench/load/peers.py FOLDER, with the Python of the peers' environment (bench/contenders.sh makes it)
and epy's package on PYTHONPATH. Prints a table, and writes starts.json for picture.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from statistics import median

from header_starts import PLAIN, WITH_CTYPES, build_host, instructions

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
ROUNDS = 100


def _run(*command: str | Path, **options: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def build(folder: Path) -> dict[str, Path]:
    """The shared objects: each exports `add`, and starts Python in its first call."""
    import pybind11

    places = sysconfig.get_config_vars("LIBDIR", "LDVERSION")
    flags = ["-shared", "-fPIC", "-O2", "-DNDEBUG", f"-I{sysconfig.get_path('include')}"]
    library = [f"-L{places[0]}", f"-Wl,-rpath,{places[0]}", f"-lpython{places[1]}"]
    made = {}
    for name, text in {"epy": PLAIN, "epy, with types of ctypes": WITH_CTYPES}.items():
        script = folder / f"{'plain' if name == 'epy' else 'ctypes'}_peer.py"
        script.write_text(text)
        made[name] = script.with_suffix(".so")
        _run(sys.executable, "-m", "epy", "build", script, "-o", made[name])
    _run(sys.executable, PEERS / "cffi_peer.py", folder / "cffi_peer.c")
    cython = folder / "cython_peer.c"
    _run(sys.executable, "-m", "cython", "-3", PEERS / "cython_peer.pyx", "-o", cython)
    sources = {
        "the C API, isolated, without site": ("cc", PEERS / "capi.c"),
        "cffi embedding": ("cc", folder / "cffi_peer.c"),
        "Cython embedding": ("cc", PEERS / "cython.c", cython, f"-I{folder}"),
        "pybind11 embedding": ("c++", PEERS / "pybind11.cpp", f"-I{pybind11.get_include()}"),
    }
    for name, (compiler, *what) in sources.items():
        made[name] = folder / f"{name.partition(' ')[0]}_{len(made)}.so"
        visible = ["-fvisibility=hidden", "-std=c++17"] if compiler == "c++" else []
        _run(compiler, *flags, *visible, *what, "-o", made[name], *library)
    return made


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    host = build_host(folder)
    packages = sysconfig.get_path("purelib")  # where cffi's own module is
    environment = {**os.environ, "PYTHONPATH": packages}
    plugins = build(folder)
    seen: dict[str, list[tuple[float, int]]] = {name: [] for name in plugins}
    for _ in range(ROUNDS + 1):
        for name, plugin in plugins.items():
            memory, _, spent = _run(host, "call-each", plugin, env=environment).split()
            seen[name].append((float(spent) / 1e6, int(memory)))
    print("| first call of | instructions | ms | private memory |\n| --- | --- | --- | --- |")
    found = {}
    for name, plugin in plugins.items():
        times, memories = zip(*seen[name][1:], strict=True)  # the first has written .pyc files
        one = {
            "instructions": instructions(host, "call-each", plugin, env=environment),
            "ms": round(median(times), 2),
            "memory": median(memories),
        }
        found[name] = one
        count, memory = one["instructions"] / 1e6, one["memory"] / 1024
        print(f"| {name} | {count:.1f} M | {one['ms']:.1f} | {memory:.2f} MB |", flush=True)
    (HERE / "starts.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
