"""`epy bundle`: a folder that is sent instead of a plugin, with all that it needs but a host.

    DIR/plugin.so           the plugin, as it is
    DIR/epy/                epy: loader, cores, modules
    DIR/epy/packages/       the named packages, laid out as a virtual environment
    DIR/epy/python/         a libpython with its standard library
    DIR/epy/lib/            libraries that those need and other systems may lack
    DIR/epy/bundle          checksums of all this (stub/bundle.h)

Every path in it is relative: the loader finds what lies beside the plugin.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from .._errors import Error
from .._file.pack import choose_cores, run_time_files
from .._file.read import read_file
from .._file.tables import LOADER, checksum_of_packed
from .bundled_packages import files_of, find_packages, folder_of_packages, has_extensions
from .inspect import describe
from .linker import libraries_of
from .progress import Progress
from .python import find

VERSION = "{}.{}".format(*sys.version_info)
_SETTINGS = """\
home = ../python/bin
include-system-site-packages = true
version = {}
"""
# Of the standard library: what no plugin runs.
_LEFT_OUT = shutil.ignore_patterns(
    *("test", "tests", "idlelib", "lib2to3", "config-*", "__pycache__", "ensurepip", "turtledemo"),
    *("dist-packages", "site-packages", "tkinter", "pydoc_data", "*.a", "EXTERNALLY-MANAGED"),
)
# What every system has, in a version of its own that all programs there share.
_SYSTEMS = re.compile(
    r"(ld-linux-x86-64|lib(c|m|dl|rt|util|pthread|resolv|nsl|anl|gcc_s|stdc\+\+))\.so|libpython3"
)


def bundle(
    plugin: Path, output: str, packages: Iterable[str] = (), python: bool = False
) -> tuple[int, int]:
    """Make the folder; how many files it has, and bytes. Error if that cannot be."""
    _check(plugin)
    target = Path(os.path.abspath(output))
    is_free = target.is_dir() and not any(target.iterdir()) and not target.samefile(".")
    if target.exists() and not is_free:
        raise Error(f"{target}: is there already; choose another -o, or remove it")
    found = find_packages(packages)
    files = [(name, file) for package in found for name, file in files_of(package)]
    # Beside it, so that a folder of that name is a whole one.
    made = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        with Progress(f"bundles {plugin}") as progress:
            _fill(made, plugin, files, python, progress)
            progress.now = "takes checksums"
            size = _write_list(made)
        if target.exists():
            target.rmdir()
        made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return size


def _check(plugin: Path) -> None:
    described = describe(plugin)
    if described["mode"] == "bare":
        raise Error(f"{plugin}: is a bare stub; build its script with `epy build`")
    if described["editable"]:
        raise Error(
            f"{plugin}: takes its script from {described['editable']}; build it without "
            "--editable and --reload"
        )


def _fill(
    made: Path, plugin: Path, files: list[tuple[str, Path]], python: bool, progress: Progress
) -> None:
    own = made / "epy"
    own.mkdir(parents=True)
    shutil.copy(plugin, made / plugin.name)
    is_of_one_version = python or has_extensions(name for name, _ in files)
    for core in choose_cores((VERSION,) if is_of_one_version else None):
        shutil.copy(core, own)
    shutil.copy(LOADER, own)
    for name, file in run_time_files():
        _copy(file, own / name)
    if files:
        progress.now = "copies the packages"
        environment = own / "packages"
        for name, file in files:
            _copy(file, environment / folder_of_packages(VERSION) / name)
        (environment / "pyvenv.cfg").write_text(_SETTINGS.format(VERSION))
    if python:
        progress.now = "copies Python"
        _copy_python(own / "python")
    progress.now = "looks for libraries"
    for library in _libraries(made):
        _copy(library, own / "lib" / library.name)
    _compile(own, progress)


def _copy(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)


def _copy_python(place: Path) -> None:
    library = Path(find(None).libpython)
    _copy(library, place / "lib" / f"libpython{VERSION}.so.1.0")
    standard = place / "lib" / f"python{VERSION}"
    shutil.copytree(
        sysconfig.get_path("stdlib"), standard, ignore=_LEFT_OUT, ignore_dangling_symlinks=True
    )
    extensions = sysconfig.get_config_var("DESTSHARED")
    if extensions and os.path.isdir(extensions) and not (standard / "lib-dynload").exists():
        shutil.copytree(extensions, standard / "lib-dynload", ignore=_LEFT_OUT)


def _libraries(made: Path) -> Iterator[Path]:
    """What the objects in the folder need of this system, but the C library and the like."""
    known: set[str] = set()
    for one in sorted(made.rglob("*.so*")):
        for name, path in (libraries_of(one) or {}).items():
            if name in known or _SYSTEMS.match(name) or Path(path).is_relative_to(made.resolve()):
                continue
            known.add(name)
            yield Path(path).parent / name if (Path(path).parent / name).exists() else Path(path)


def _compile(own: Path, progress: Progress) -> None:
    """Bytecode that does not ask for the age of its source: a copied file has another one."""
    sources = sorted(own.rglob("*.py"))
    for number, source in enumerate(sources):
        progress.now = f"compiles {number} of {len(sources)} modules"
        name = source.relative_to(own).as_posix()
        try:
            py_compile.compile(
                os.fspath(source),
                cfile=importlib.util.cache_from_source(os.fspath(source)),
                dfile=name,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, ValueError):
            continue  # a template, or for another version of Python


def _write_list(made: Path) -> tuple[int, int]:
    lines = [b"epy bundle 1\n"]
    total = 0
    for file in sorted(made.rglob("*")):
        if not file.is_file():
            continue
        name = os.fsencode(file.relative_to(made))
        if b"\n" in name or len(name) > 1000:
            raise Error(f"{file}: a list of files cannot hold such a name; rename the file")
        data = read_file(file)
        total += len(data)
        lines.append(b"%016x %d %s\n" % (checksum_of_packed(data), len(data), name))
    text = b"".join(lines)
    (made / "epy" / "bundle").write_bytes(text + b"%016x end\n" % checksum_of_packed(text))
    return len(lines) - 1, total
