"""Build the host and the contenders into a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTENDERS = HERE / "contenders"
EPY_H = HERE.parent.parent / "loader" / "include"
C = ["cc", "-O2", "-DNDEBUG", "-fPIC"]
CXX = ["c++", "-std=c++17", "-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden"]


def _python_include() -> str:
    return "-I" + sysconfig.get_path("include")


def _python_library() -> list[str]:
    folder = sysconfig.get_config_var("LIBDIR")
    version = sysconfig.get_config_var("LDVERSION")
    return [f"-L{folder}", f"-Wl,-rpath,{folder}", f"-lpython{version}", "-ldl", "-lm"]


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)


def build_host(folder: Path) -> Path:
    """The host; returns its path."""
    host = folder / "host"
    sources = [HERE / "host.c", HERE / "batches.c"]
    flags = ["-Wall", "-Wextra", "-rdynamic", "-fno-strict-aliasing", f"-I{EPY_H}"]
    _run(*C, *flags, _python_include(), *sources, "-o", host, *_python_library())
    return host


def copy_scripts(folder: Path) -> None:
    """What the host's Python and `epy build` import."""
    for script in [HERE / "bodies.py", HERE / "contenders.py", *CONTENDERS.glob("*.py")]:
        shutil.copy(script, folder)


def build_plugin(folder: Path, name: str) -> None:
    """A plugin of epy's; the package is the one that can be imported here."""
    searched = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "epy", "build", folder / f"{name}.py"]
    subprocess.run(
        [*command, "-o", folder / f"{name}.so"],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": searched},
    )


def _build_peers(folder: Path) -> None:
    import nanobind
    import pybind11

    source = folder / "cffi_contender.c"
    _run(sys.executable, CONTENDERS / "cffi_embedding.py", source)
    library = folder / "cffi_contender.so"
    _run(*C, "-shared", _python_include(), source, "-o", library, *_python_library())

    source = folder / "cython_contender.c"
    cython = [sys.executable, "-m", "cython", "-3", CONTENDERS / "cython_contender.pyx"]
    _run(*cython, "-o", source)
    _module(folder, "cython_contender", C, [source])

    headers = "-I" + pybind11.get_include()
    source = CONTENDERS / "pybind11_contender.cpp"
    _module(folder, "pybind11_contender", CXX, [source, headers, "-flto"])

    installed = Path(nanobind.include_dir()).parent
    headers = f"-I{installed}/include"
    sources = [CONTENDERS / "nanobind_contender.cpp", installed / "src/nb_combined.cpp"]
    flags = [headers, f"-I{installed}/ext/robin_map/include", "-fno-strict-aliasing"]
    _module(folder, "nanobind_contender", CXX, [*sources, *flags])

    source = CONTENDERS / "capi_contender.c"
    _module(folder, "capi_contender", C, [source])
    _module(folder, "capi_held_contender", C, [source, "-DHELD"])


def _module(folder: Path, name: str, compiler: list[str], what: list[str | Path]) -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    _run(*compiler, "-shared", _python_include(), *what, "-o", folder / (name + suffix))


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    build_host(folder)
    copy_scripts(folder)
    _run(*C, "-shared", CONTENDERS / "c.c", "-o", folder / "c.so")
    for name in ("epy_plugin", "c_slot_plugin", "numba_plugin"):
        build_plugin(folder, name)
    _build_peers(folder)


if __name__ == "__main__":
    main()
