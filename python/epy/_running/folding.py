"""Equal reports on end: the first is printed, then how many followed. Loaded by the first one."""

from __future__ import annotations

import atexit
import os
from itertools import count

from .. import _report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_last: Any = None  # what the last report was about
_more = count()  # threads may count at once


def follow(about: Any) -> str | None:
    """The line to print before a report, about those before it ("" if none was left out).

    None if it is equal to the last one, and only counted. `about` None: no report.
    """
    global _last, _more
    if about == _last:
        if about is None:
            return ""
        next(_more)
        return None
    _last, left_out = about, _more
    _more = count()
    number = next(left_out)
    return f"... {number:,} more\n" if number else ""


def end() -> None:
    """The process or a plugin ends: what was counted is printed."""
    line = follow(None)
    if line:
        _report.print_text(line, _report.ERROR)


def _forget() -> None:
    """In a forked child: the parent tells of its own."""
    global _last, _more
    _last, _more = None, count()


atexit.register(end)
os.register_at_fork(after_in_child=_forget)
