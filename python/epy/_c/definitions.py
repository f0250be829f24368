"""What a header declares, read while a plugin is built: for `epy.header` and `epy inspect`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from .. import _core
from .._errors import HeaderError
from .._file.read import read_file
from .._file.stored_header import add, names, pack
from .._header import is_text
from .._parts import HeaderOptions
from .._script import Script
from . import flags, process, prototype
from .reachable import chosen
from .terms import CHOSEN

_SYSTEM = ("/usr/local/include", "/usr/include")


class Definitions:
    """All that a header declares: stored as in a plugin.

    With `words`, which are all that a script may ask for, it has only what these lead to until
    somebody does ask for something else.
    """

    def __init__(
        self, request: dict[str, Any], keep: bool, words: frozenset[str] | None = None
    ) -> None:
        self._request = request
        self._keep = keep
        self._words = words
        self._asked: set[str] = set()  # names
        self.prototypes: dict[str, tuple[str, Any]] = {}
        if words is None:
            self._take(process.ask(request, keep))
        else:
            part = {**request, "kind": "part", "words": sorted(words)}
            self._take(process.ask(part, keep, self._part_of_known))

    def _take(self, answer: Mapping[str, Any]) -> None:
        self._index: bytes = answer["index"]
        self._data: bytes = answer["data"]
        self._stored = _core.StoredHeader(self._index, self._data)
        self.files: list[str] = answer["files"]
        self.described: dict[str, tuple[bool, str]] = answer["described"]  # see `described`

    def _part_of_known(self) -> dict[str, Any] | None:
        whole = process.known(self._request)
        return whole and {**whole, **self._chosen(whole)}

    def _chosen(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        """What the script may ask for."""
        find = _core.StoredHeader(whole["index"], whole["data"]).find
        index, data = pack(chosen(names(whole["index"]), find, self._words or (), self._asked))
        return {"index": index, "data": data}

    def find(self, name: str) -> Any:
        """What a name stands for; None if the header does not declare it."""
        found = self._stored.find(name)
        if self._words is not None:
            self._asked.add(name)
            if found is None and name.rpartition(" ")[2] not in self._words:
                self._read_all()
                found = self._stored.find(name)
        return found

    def _read_all(self) -> None:
        if self._stored.find(CHOSEN) is not None:
            self._take(process.ask(self._request, self._keep))

    def prototype(self, text: str) -> tuple[str, Any]:
        """The name and the type in a C prototype with this header's types."""
        if text not in self.prototypes:
            self.prototypes[text] = prototype.of_header(text, self.find, self._keep)
        return self.prototypes[text]

    @property
    def names(self) -> dict[str, Any]:
        """Every name, with what it stands for."""
        self._read_all()
        return {name: self._stored.find(name) for name in names(self._index)}

    def packed(self) -> tuple[bytes, bytes]:
        """For a plugin: with the prototypes that its script has."""
        index, data = self._index, self._data
        if self._words is not None and self._stored.find(CHOSEN) is None:
            index, data = self._chosen({"index": index, "data": data}).values()
        return add(index, data, self.prototypes)


def read(
    path_or_text: str,
    include: Iterable[str],
    define: Mapping[str, Any],
    script: Script,
    *,
    packages: tuple[str, ...] = (),
    lang: str = "",
    describe: bool = False,
) -> Definitions:
    """Read what `epy.header` names. `describe`: also for people. Raises HeaderError."""
    options = script.header_options or HeaderOptions()
    folder = _folder(script)
    given = [
        *(("-I", os.path.normpath(os.path.join(folder, it))) for it in (".", *include)),
        *options.flags,
        *flags.of_packages((*packages, *options.packages)),
    ]
    if not is_text(path_or_text):
        _check_file(
            path_or_text, [value for name, value in given if name in ("-I", "-isystem", "-iquote")]
        )
    own = [("-D", key if it is True else f"{key}={it}") for key, it in define.items()]
    request = {
        "name": "<text>" if is_text(path_or_text) else path_or_text,
        "text": path_or_text if is_text(path_or_text) else f'#include "{path_or_text}"\n',
        "is_text": is_text(path_or_text),
        "folder": folder,
        "arguments": flags.arguments(given),
        "lang": lang,
        "before": flags.lines([*given, *own]),
        "describe": describe,
        "kind": "header",
    }
    found = Definitions(request, script.reads_on, script.words)
    for file in found.files:
        _core.check_trusted(file)
    return found


def _check_file(name: str, folders: list[str]) -> None:
    """What Clang would wait for, or never come to the end of."""
    variables = (os.environ.get(it, "").split(":") for it in ("CPATH", "C_INCLUDE_PATH"))
    for folder in (*folders, *chain(*variables), *_SYSTEM):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            if not os.path.isfile(path):
                try:
                    read_file(path)
                except OSError as error:
                    raise HeaderError(
                        f"{name}: {path}: cannot be read ({error.strerror}): name a header"
                    ) from None
            return


def _folder(script: Script) -> str:
    """Where the script lies, from which relative paths start."""
    path = Path(os.path.abspath(script.path))
    return str(path if path.is_dir() else path.parent)
