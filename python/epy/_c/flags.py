"""A compiler's options: of a command line, and what pkg-config answers."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable

from .. import _core
from .._errors import HeaderError

_FOLDERS = ("-isystem", "-iquote", "-idirafter", "-I")
_WITH_VALUE = (*_FOLDERS, "-include", "-D", "-U")
_FOR_CLANG = ("-pthread", "-m", "-f")  # what else changes what a header says
_LIMIT = 60  # seconds for pkg-config: it hangs


def split(flags: Iterable[str]) -> list[tuple[str, str]]:
    """Each option with its value, whether that stands beside it or behind it."""
    found = []
    rest = iter(flags)
    for flag in rest:
        name = next((it for it in _WITH_VALUE if flag.startswith(it)), "")
        if name:
            found.append((name, flag[len(name) :] or next(rest, "")))
        elif flag.startswith(_FOR_CLANG):
            found.append((flag, ""))
    return found


def absolute(flags: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Options that mean the same in every folder."""
    found = []
    for name, value in flags:
        if name in _FOLDERS or (name == "-include" and os.path.exists(value)):
            value = os.path.abspath(value)
        found.append((name, value))
    return tuple(found)


def arguments(flags: Iterable[tuple[str, str]]) -> list[str]:
    """Those for Clang itself."""
    return [name + value for name, value in flags if name in _FOLDERS or not value]


def lines(flags: Iterable[tuple[str, str]]) -> list[str]:
    """The others, as lines of C before all others: macros in their order, then what is included."""
    macros, included = [], []
    for name, value in flags:
        if name == "-D":
            macro, equals, meaning = value.partition("=")
            macros.append(f"#define {macro} {meaning if equals else 1}")
        elif name == "-U":
            macros.append(f"#undef {value}")
        elif name == "-include":
            included.append(f'#include "{value}"')
    return [*macros, *included]


def of_packages(packages: tuple[str, ...]) -> list[tuple[str, str]]:
    """What pkg-config, or pkgconf, says of packages. Raises HeaderError."""
    if not packages:
        return []
    named = f"pkg={' '.join(packages)!r}"
    if _core.has_raised_privileges():  # it is found by an environment variable
        raise HeaderError(f"{named}: a program with raised privileges runs no pkg-config: build it")
    try:
        given = shlex.split(os.environ.get("PKG_CONFIG", ""))
    except ValueError as error:
        raise HeaderError(f"{named}: PKG_CONFIG is no command line ({error}): correct it") from None
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "LD_AUDIT")}
    for program in (given,) if given else (["pkg-config"], ["pkgconf"]):
        try:
            answer = subprocess.run(
                [*program, "--cflags", "--", *packages],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment,
                timeout=_LIMIT,
                encoding="utf-8",
                errors="surrogateescape",
            )
            found = split(shlex.split(answer.stdout))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise HeaderError(f"{named}: {shlex.join(program)} does not serve ({error})") from None
        if answer.returncode:
            reason = (answer.stderr.strip().splitlines() or ["no reason given"])[0].rstrip(".")
            raise HeaderError(
                f"{named}: {shlex.join(program)} does not know it ({reason}): install the package "
                "with its .pc file (Debian: -dev), or name its folder in PKG_CONFIG_PATH"
            )
        return found
    raise HeaderError(
        f"{named}: there is no {shlex.join(given) or 'pkg-config'}: install pkgconf, or give the "
        "folders by include="
    )
