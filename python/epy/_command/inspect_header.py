"""`epy inspect --header`: what a header gives to `epy.header`, and what it cannot give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .. import _core, _header
from .._c.definitions import read
from .._c.flags import absolute
from .._c.spelling import declare, declare_function
from .._c.terms import (
    CONST,
    EMPTY,
    OPAQUE,
    constant_value,
    declared_type,
    is_a,
    layout_size,
    macro_parameters,
    unusable_reason,
    unusable_sort,
)
from .._errors import Error, HeaderNameError
from .._parts import HeaderOptions
from .._printable import printable
from .building import Building


def describe_header(
    name: str,
    flags: Iterable[tuple[str, str]] = (),
    packages: Iterable[str] = (),
    patterns: Iterable[str] = (),
    every: bool = False,
) -> tuple[dict[str, list[str]], int]:
    """What a header gives, by kind, and how many names are left out: those of what it includes.

    `patterns` choose names, `every` is for all that it includes too. Raises HeaderError if the
    header is not found or does not parse, HeaderNameError if no name matches.
    """
    options = HeaderOptions(absolute(flags), tuple(packages))
    script = Building("inspect", str(Path.cwd()), options)
    definitions = read(name, (), {}, script, describe=True)
    host = _header.Header(os.path.basename(name), definitions, {}, {}, _core.Kept(), None)
    groups: dict[str, list[str]] = {title: [] for title in (*_TITLES, _REFUSED)}
    wanted = list(patterns)
    left_out = 0
    for key, found in sorted(definitions.names.items()):
        if key.startswith("_") or "{" in key or key == CONST:
            continue  # reserved for the compiler and its library; without a name in C
        if is_a(found, "?") and unusable_sort(found) in (EMPTY, OPAQUE):
            continue
        if wanted and not any(fnmatchcase(key.rpartition(" ")[2], it) for it in wanted):
            continue
        is_own, text = definitions.described.get(key, (True, ""))
        if not is_own and not every:
            left_out += 1
            continue
        try:
            title, line = _line(host, key, found, text)
            groups[title].append(line)
        except Error as error:
            reason = str(error).removeprefix(f"{host._name}: ").removeprefix(f"{key} ")
            groups[_REFUSED].append(f"{key}: {reason}")
    if wanted and not left_out and not any(groups.values()):
        raise HeaderNameError(f"{name} declares nothing like {' or '.join(wanted)}")
    return {title: rows for title, rows in groups.items() if rows}, left_out


def render_header(groups: Mapping[str, list[str]], left_out: int) -> str:
    """A listing for people."""
    lines = []
    for title, rows in groups.items():
        lines += [f"{title} ({len(rows)})", *(f"  {printable(row)}" for row in rows), ""]
    if left_out:
        lines += [f"{left_out} more of what it includes: --all shows them", ""]
    return "\n".join(lines)


_TITLES = ("functions", "variables", "types", "constants", "macros with arguments")
_REFUSED = "not expressed"


def _line(host: Any, key: str, found: Any, text: str) -> tuple[str, str]:
    """The group of a name, and how it is shown. Raises Error if Python cannot hold it."""
    make: Callable[[Any], Any] = host._classes.make
    if " " in key:
        make(tuple(key.split()))
        size = "" if is_a(found, "enum") else f"   {layout_size(found)} bytes"
        return "types", f"{key}{size}"
    kind = found[0]
    if kind == "c":
        return "constants", f"{key} = {constant_value(found)!r}"
    if kind in ("m", "x"):
        return "macros with arguments", f"{key}({', '.join(macro_parameters(found))})"
    if kind == "f":
        made = make(("*", declared_type(found)))
        return "functions", text or declare_function(made, key)
    if kind == "v":
        made = make(declared_type(found))
        return "variables", text or declare(made, key)
    if kind == "t":
        made = make(declared_type(found))
        return "types", text or f"typedef {declare(made, key)}"
    raise Error(unusable_reason(found))
