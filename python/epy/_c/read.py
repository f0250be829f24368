"""A header's file or text -> its definitions, while a plugin is built."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._script import HeaderOptions, Script
from .declarations import Definitions
from .preprocess import preprocess


def read(
    path_or_text: str,
    include: Iterable[str],
    define: Mapping[str, Any],
    script: Script | None,
) -> Definitions:
    """Read what `epy.header` names. Raises HeaderError."""
    options = script.header_options if script else HeaderOptions()
    folder = _folder(script)
    name = path_or_text
    text = f'#include "{path_or_text}"\n'
    if "\n" in path_or_text or ";" in path_or_text:
        name, text = "<text>", path_or_text
    folders = [os.path.join(folder, path) for path in (".", *include)]
    with _no_collection():
        source = preprocess(
            text,
            name,
            include=[*folders, *options.include],
            define={**options.define, **define},
            command=options.command,
        )
        return Definitions(source, name)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's garbage collector is off: it would look at each token and node many times."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _folder(script: Script | None) -> str:
    """Where the script lies, from which relative paths start."""
    if script is None:
        return os.getcwd()
    path = Path(script.path)
    return str(path if path.is_dir() else path.parent)
