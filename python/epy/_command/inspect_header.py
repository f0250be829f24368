"""`epy inspect --header`: what a header gives to `epy.header`, and what it cannot give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .. import _core, _header
from .._c.definitions import Definitions, read
from .._c.flags import absolute
from .._c.spelling import declare, declare_function
from .._c.types import OPAQUE
from .._errors import Error
from .._printable import printable
from .._script import HeaderOptions, Script


def render_header(
    name: str,
    flags: Iterable[tuple[str, str]] = (),
    packages: Iterable[str] = (),
) -> str:
    """A listing for people. Raises HeaderError if the header is not found or does not parse."""
    options = HeaderOptions(absolute(flags), tuple(packages))
    script = Script("inspect", str(Path.cwd()), building=True, header_options=options)
    definitions = read(name, (), {}, script)
    host = _header.Header(os.path.basename(name), definitions, {}, {}, _core.Kept(), None)
    groups: dict[str, list[str]] = {title: [] for title in _TITLES}
    refused: list[str] = []
    for key in sorted(definitions.names):
        found = definitions.names[key]
        if key.startswith("_") or "{" in key:
            continue  # reserved for the compiler and its library; without a name in C
        if found in (("?", "is a macro that is empty"), OPAQUE):
            continue  # guards a header or marks declarations; serves for pointers
        try:
            title, line = _line(host, definitions, key, found)
            groups[title].append(line)
        except Error as error:
            reason = str(error).removeprefix(f"{host._name}: ").removeprefix(f"{key} ")
            refused.append(f"{key}: {reason}")
    lines = []
    for title, rows in (*groups.items(), ("not expressed", refused)):
        if rows:
            lines += [f"{title} ({len(rows)})", *(f"  {printable(row)}" for row in rows), ""]
    return "\n".join(lines)


_TITLES = ("functions", "variables", "types", "constants", "macros with arguments")


def _line(host: Any, definitions: Definitions, key: str, found: Any) -> tuple[str, str]:
    """The group of a name, and how it is shown. Raises Error if Python cannot hold it."""
    make: Callable[[Any], Any] = host._classes.make
    if " " in key:
        make(tuple(key.split()))
        size = "" if found[0] == "enum" else f"   {found[2]} bytes"
        return "types", f"{key}{size}"
    kind = found[0]
    if kind == "c":
        return "constants", f"{key} = {found[1]!r}"
    if kind in ("m", "x"):
        names = found[1].partition(":")[0].removeprefix("lambda").replace("p_", "").strip()
        return "macros with arguments", f"{key}({names})"
    if kind == "f":
        return "functions", declare_function(make(("*", found[1])), key)
    if kind == "v":
        return "variables", declare(make(found[1]), key)
    if kind == "t":
        return "types", f"typedef {declare(make(found[1]), key)}"
    raise Error(found[1])
