"""`epy doctor`: what a plugin finds on this machine, and what to do where something is missing."""

from __future__ import annotations

import mmap
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from .._c.process import find_libclang
from .._errors import Error
from .._export import callback
from .._file.read import read_file
from .._file.tables import LOADER, PACKAGE, STUB
from .._printable import printable
from .colours import coloured
from .inspect import Description, describe
from .linker import libraries_of
from .python import find
from .search import Search, Seen

_NO_EXEC = os.ST_NOEXEC


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    found: str
    remedy: str = ""  # empty: it is as it should be
    trail: tuple[str, ...] = ()  # what was looked at for it, in order


def examine(plugin: Path | None, host: str | None) -> list[Finding]:
    """Everything, in the order in which a plugin's load needs it."""
    findings = [*_machine(), *_epy()]
    if plugin is not None:
        findings += _plugin(plugin)
    if host is not None:
        findings += _host(host, PACKAGE)
    return findings


def render(findings: list[Finding]) -> str:
    """One line for each, and one more where there is something to do."""
    width = max(len(finding.what) for finding in findings)
    lines = []
    for finding in findings:
        style = ("!!", "bad") if finding.remedy else ("ok", "good")
        mark = coloured(*style, sys.stdout)
        lines.append(f"{mark}  {finding.what:<{width}}  {printable(finding.found)}")
        if finding.remedy:
            lines.append(f"    {'':<{width}}  -> {printable(finding.remedy)}")
        lines += (f"    {'':<{width}}     {printable(step)}" for step in finding.trail)
    wrong = sum(bool(finding.remedy) for finding in findings)
    lines.append(f"{wrong} of {len(findings)} need you" if wrong else "all is well")
    return "\n".join(lines) + "\n"


def _look(what: str, look: Callable[[], str]) -> Finding:
    """What a function finds; the Error that it raises says "what is wrong; what to do"."""
    try:
        return Finding(what, look())
    except Error as error:
        problem, _, remedy = str(error).partition("; ")
        return Finding(what, problem, remedy or "build the plugin again")
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        return Finding(what, problem, "check the path and its permissions")


# The machine and the installed epy


def _machine() -> Iterator[Finding]:
    machine, library = platform.machine(), os.confstr("CS_GNU_LIBC_VERSION")
    found = f"{machine}, {library or 'another C library than glibc'}"
    serves = machine == "x86_64" and library is not None
    yield Finding(
        "machine", found, "" if serves else "use Linux on x86-64 with glibc 2.34 or newer"
    )


def _epy() -> Iterator[Finding]:
    for path in (LOADER, STUB):
        if not path.is_file():
            yield Finding("epy", f"{path} is missing", "install epy again")
            return
    yield _executable_place("epy", PACKAGE, f"{__version__} in {PACKAGE}")
    yield _look("Python", lambda: "{0.version}, {0.libpython}".format(find(None)))
    yield _look("headers", lambda: f"read by {find_libclang()[0]}")
    yield _callbacks()


def _callbacks() -> Finding:
    """Their code is mapped from files: systems may forbid memory that is written and run."""
    try:
        mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
        policy = "memory may be written and run here"
    except PermissionError:
        policy = "memory that is written and run is forbidden here (W^X)"
    try:
        callback("void (*)(void)", lambda: None).address  # noqa: B018  # what makes the code
    except MemoryError:
        remedy = "let this program map files as code (SELinux, seccomp, a mount with noexec)"
        return Finding("callbacks", f"no code for them can be mapped; {policy}", remedy)
    return Finding("callbacks", f"their code is mapped from files; {policy}")


def _executable_place(what: str, path: Path, found: str) -> Finding:
    """Code cannot be loaded from a file system that forbids it."""
    if os.statvfs(path).f_flag & _NO_EXEC:
        where = "its file system is mounted with noexec"
        return Finding(what, f"{path}: {where}", "move it, or mount that with exec")
    return Finding(what, found)


# A plugin


def _plugin(path: Path) -> Iterator[Finding]:
    described: list[Description] = []

    def look() -> str:
        described.append(describe(path))
        builder = described[0]["epy"]
        return f"{path}, built by epy {builder}" if builder else f"{path}, a bare stub"

    finding = _look("plugin", look)
    if not described:
        yield finding
        return
    (found,) = described
    yield _executable_place("plugin", path, finding.found)
    search = Search(path)
    loader = _loader(search)
    yield loader
    python, executable = _python(search, described[0]["python"]["version"])
    yield python
    if not loader.remedy and not python.remedy and not search.has_own:
        yield _core("its core", Path(loader.found).parent, _version_of(python.found))
    if executable:
        yield from _environment(Path(executable))
    if found["editable"]:
        yield _source(found)


def _loader(search: Search) -> Finding:
    """The loader that the plugin opens, and what was looked at before it."""
    seen = search.loaders()
    trail = _trail(seen)
    if seen and not seen[-1].problem:
        return Finding("its loader", seen[-1].path, trail=trail)
    if seen and seen[-1].is_damaged:
        remedy = "copy the whole folder again, or make it again with 'epy bundle'"
        return Finding("its loader", f"{seen[-1].path} {seen[-1].problem}", remedy, trail)
    remedy = "install epy again, or build the plugin again"
    gone = next((one.path for one in seen if one.place == "where it was built"), "")
    found = f"{gone} is missing" if gone else "none"
    return Finding("its loader", found, remedy, trail)


def _python(search: Search, built_for: str) -> tuple[Finding, str]:
    """The Python that it starts where the host has none, and its executable."""
    seen, complaint = search.pythons()
    if complaint:
        problem, remedies = _split(complaint)
        return Finding("its Python", problem, remedies, _trail(seen)), ""
    return Finding("its Python", seen[-1].path, trail=_trail(seen)), seen[-1].executable


def _split(complaint: str) -> tuple[str, str]:
    """A plugin's line as what is wrong and what to do, which comes last."""
    problem, _, remedy = complaint.rpartition("; ")
    return (problem, remedy) if problem else (complaint, "build the plugin again")


def _trail(seen: list[Seen]) -> tuple[str, ...]:
    """What was looked at. Of one that was taken at once there is nothing to say."""
    if len(seen) == 1 and not seen[0].problem:
        return (seen[0].place,)
    return tuple(f"{one.place}: {_said(one)}" for one in seen)


def _said(one: Seen) -> str:
    if not one.problem:
        return f"{one.path}, taken"
    return one.problem if one.path in one.problem else f"{one.path}: {one.problem}"


def _version_of(library: str) -> str:
    found = re.search(r"libpython(3\.\d+)", library)
    return found[1] if found else "3"


def _core(what: str, folder: Path, version: str) -> Finding:
    """What joins epy and a Python, for its version."""
    major, minor = version.split(".")[:2]
    cores = sorted(path.name for path in folder.glob(f"_core.cpython-{major}{minor}*.so"))
    if cores:
        return Finding(what, str(folder / cores[0]))
    remedy = f"install epy into a Python {major}.{minor}, and build there"
    return Finding(what, f"none for Python {major}.{minor} in {folder}", remedy)


def _environment(executable: Path) -> Iterator[Finding]:
    """The virtual environment, if it is one, needs the Python that it was made of."""
    settings = executable.parent.parent / "pyvenv.cfg"
    if not settings.is_file():
        return
    lines = read_file(settings).decode(errors="replace").splitlines()
    values = {
        key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)
    }
    home = Path(values.get("home", ""))
    exists = home.is_dir()
    yield Finding(
        "its packages",
        f"{settings.parent}" + ("" if exists else f": the Python it was made of, {home}, is gone"),
        "" if exists else "make the virtual environment again, and build",
    )


def _source(found: Description) -> Finding:
    source = found["editable"]
    if os.path.exists(source):
        return Finding("its script", source)
    return Finding("its script", f"{source} is missing", "build without --editable, or put it back")


# A host


def _host(name: str, package: Path) -> Iterator[Finding]:
    program = shutil.which(name)
    if program is None:
        yield Finding("host", f"{name}: no such program", "install it, or give its path")
        return
    data = read_file(program)
    if data[:4] != b"\x7fELF":
        first = data[:80].split(b"\n")[0].decode(errors="replace")
        yield Finding("host", f"{program} is a script: {first}", "name the program that runs it")
        return
    if data[4:5] != b"\2" or data[18:20] != b"\x3e\0":
        problem = f"{program} is no program for x86-64"
        yield Finding("host", problem, "use its build for x86-64: a plugin is of one machine")
        return
    libraries = libraries_of(program)
    if libraries is None:
        problem = f"{program} is linked statically"
        yield Finding("host", problem, "use a build of it that loads shared objects")
        return
    yield Finding("host", program)
    for library in libraries.values():
        version = re.search(r"libpython(3\.\d+)[a-z]*\.so", library)
        if version is not None:
            yield Finding("its own Python", f"{library}, which the plugin joins")
            yield _core("the core for it", package, version[1])
