"""What a header declares, as a plugin stores it: nothing is read before a script asks for a name.

An index of lines, NAME<tab>OFFSET<tab>SIZE, and behind it what each name stands for, as marshal
writes it. C prototypes that the script has given as text are in it under "=" and their text.
"""

from __future__ import annotations

import marshal

from ._errors import HeaderNameError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_VERSION = 2  # of marshal: without references, so that equal definitions are equal bytes


class StoredHeader:
    """The definitions of one header, as `_declarations.Definitions` gives them."""

    __slots__ = ("_data", "_index")

    def __init__(self, index: bytes, data: bytes) -> None:
        self._index = index
        self._data = data

    def find(self, name: str) -> Any:
        """What a name stands for, or None."""
        start = self._index.find(b"\n" + name.encode("utf-8", "surrogateescape") + b"\t")
        if start < 0:
            return None
        _, offset, size = self._index[start : self._index.index(b"\n", start + 1)].split(b"\t")
        return marshal.loads(self._data[int(offset) : int(offset) + int(size)])

    def prototype(self, text: str) -> tuple[str, Any]:
        """The name and the type in a C prototype that the script had at build."""
        found: tuple[str, Any] | None = self.find("=" + text)
        if found is None:
            raise HeaderNameError(
                f"the C prototype '{text}' was not in the script when the plugin was built: "
                "run `epy build` again"
            )
        return found

    def all_names(self) -> list[str]:
        lines = self._index.decode("utf-8", "surrogateescape").split("\n")
        return [line.partition("\t")[0] for line in lines if line and line[0] != "="]


def pack(names: Mapping[str, Any], prototypes: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The index and the data of a StoredHeader."""
    index = ["\n"]
    parts: list[bytes] = []
    offset = 0
    for name, found in (*names.items(), *(("=" + text, it) for text, it in prototypes.items())):
        data = marshal.dumps(found, _VERSION)
        index.append(f"{name}\t{offset}\t{len(data)}\n")
        parts.append(data)
        offset += len(data)
    return "".join(index).encode("utf-8", "surrogateescape"), b"".join(parts)
