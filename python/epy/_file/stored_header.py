"""What a header declares, as a plugin stores it. The core reads it: `_core.StoredHeader`.

An index of lines, NAME<tab>OFFSET<tab>SIZE, and behind it what each name stands for, as marshal
writes it. C prototypes that the script has given as text are in it under "=" and their text.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_VERSION = 2  # of marshal: without references, so that equal definitions are equal bytes


def pack(names: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The index and the data of a `_core.StoredHeader`."""
    return _append(["\n"], names, 0)


def add(index: bytes, data: bytes, prototypes: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The same, with C prototypes."""
    lines, more = _append([], {"=" + text: it for text, it in prototypes.items()}, len(data))
    return index + lines, data + more


def _append(lines: list[str], names: Mapping[str, Any], offset: int) -> tuple[bytes, bytes]:
    parts: list[bytes] = []
    dumps = marshal.dumps
    for name, found in names.items():
        data = dumps(found, _VERSION)
        size = len(data)
        lines.append(f"{name}\t{offset}\t{size}\n")
        parts.append(data)
        offset += size
    return "".join(lines).encode("utf-8", "surrogateescape"), b"".join(parts)


def names(index: bytes) -> list[str]:
    """All that the header declares."""
    lines = index.decode("utf-8", "surrogateescape").split("\n")
    return [line.partition("\t")[0] for line in lines if line and line[0] != "="]
