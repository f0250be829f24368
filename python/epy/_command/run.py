"""`epy run`: build a plugin, start a host with it, and let the script's changes count."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._errors import Error
from .build import build
from .progress import Progress


def run(script: str, command: list[str], **options: Any) -> None:
    """Build the script into the cache and become the host; does not return.

    The plugin runs the script again whenever its files change. `options` are those of `build`.
    """
    if not command:
        raise Error("name the host's command line: epy run plugin.py -- HOST ARG ...")
    name = Path(os.path.abspath(script)).stem
    with Progress(f"builds {script}"):
        plugin = build(script, plugin_folder(script) / f"{name}.so", reload=True, **options)
    start(plugin, command)


def plugin_folder(script: str) -> Path:
    """Where the plugin of a script lies between two runs: hosts show its path."""
    place = os.path.abspath(script).encode(errors="surrogateescape")
    folder = _cache() / "epy" / "run" / hashlib.blake2b(place, digest_size=8).hexdigest()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):
        return Path(root)
    home = os.path.expanduser("~")
    return Path(home, ".cache") if os.path.isabs(home) else Path(tempfile.gettempdir())


def start(plugin: Path, command: list[str]) -> None:
    """Become the host."""
    arguments, environment = placed(plugin, command, os.environ)
    try:
        os.execvpe(arguments[0], arguments, environment)
    except OSError as error:
        raise not_started(arguments[0], error) from None


def not_started(program: str, error: OSError) -> Error:
    return Error(f"{program}: {error.strerror}; the host's command line comes after --")


def placed(
    plugin: Path, command: list[str], environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The host's command line and environment: {} and {folder} are the plugin's.

    A command line without them is that of a host which knows nothing of plugins: it gets this one
    by LD_PRELOAD.
    """
    path = os.path.abspath(plugin)
    fields = {"{}": path, "{folder}": os.path.dirname(path)}
    arguments = []
    for argument in command:
        for field, value in fields.items():
            argument = argument.replace(field, value)
        arguments.append(argument)
    found = dict(environment)
    if arguments == command:
        if " " in path or ":" in path:
            raise Error(
                f"{path}: LD_PRELOAD takes no path with a space or a colon; rename it, or give the "
                "host's command line a {} for it"
            )
        # Behind what is there: a sanitizer's library must come first.
        found["LD_PRELOAD"] = ":".join(filter(None, (found.get("LD_PRELOAD"), path)))
    return arguments, found
