"""What epy says of a wait that lasts: on a busy machine, any host's standard error may have it."""

from __future__ import annotations

import re

LASTS = re.compile(r"epy: .*(within 2 s|has waited 2 s|for 5 s|for 6 s)")


def without_waits(stderr: str, also: str = "") -> str:
    """All other lines: for tests of what goes right, however long it takes.

    With `also` those, too, that contain it: a test may be about such a line.
    """
    lines = stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not LASTS.match(line) or (also and also in line))
