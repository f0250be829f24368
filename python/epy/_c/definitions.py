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
from .._file.stored_header import add, names
from .._header import is_text
from .._parts import HeaderOptions
from .._script import Script
from . import flags, process, prototype

_SYSTEM = ("/usr/local/include", "/usr/include")


class Definitions:
    """All that a header declares: stored as in a plugin."""

    def __init__(self, answer: Mapping[str, Any], keep: bool) -> None:
        self._index: bytes = answer["index"]
        self._data: bytes = answer["data"]
        self.find = _core.StoredHeader(self._index, self._data).find
        self.prototypes: dict[str, tuple[str, Any]] = {}
        self.files: list[str] = answer["files"]
        self.described: dict[str, tuple[bool, str]] = answer["described"]  # see `described`
        self._keep = keep

    def prototype(self, text: str) -> tuple[str, Any]:
        """The name and the type in a C prototype with this header's types."""
        if text not in self.prototypes:
            self.prototypes[text] = prototype.of_header(text, self.find, self._keep)
        return self.prototypes[text]

    @property
    def names(self) -> dict[str, Any]:
        """Every name, with what it stands for."""
        return {name: self.find(name) for name in names(self._index)}

    def packed(self) -> tuple[bytes, bytes]:
        """For a plugin: with the prototypes that its script has."""
        return add(self._index, self._data, self.prototypes)


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
    answer = process.ask(request, script.reads_on)
    for file in answer["files"]:
        _core.check_trusted(file)
    return Definitions(answer, script.reads_on)


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
