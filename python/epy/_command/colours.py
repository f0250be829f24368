"""Colours, where a terminal shows them and nobody has asked for none (no-color.org)."""

from __future__ import annotations

import os
from typing import Any

_STYLES = {"good": "32", "bad": "1;31"}


def coloured(text: str, style: str, stream: Any) -> str:
    """The text as it is to be written to the stream."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    if plain or stream is None or not stream.isatty():
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
