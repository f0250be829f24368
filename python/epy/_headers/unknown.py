"""What to say of a name that a header does not declare."""

from __future__ import annotations

from difflib import get_close_matches

from .._c.terms import CHOSEN
from .._errors import HeaderNameError


def unknown(header: str, declared: list[str], name: str, what: str, remedy: str) -> HeaderNameError:
    """With the nearest names, and the remedy if there is one besides the right spelling."""
    names = [key.rpartition(" ")[2] for key in declared]
    spellings = {known.lower(): known for known in names if not known.startswith("__builtin_")}
    near = [spellings[key] for key in get_close_matches(name.lower(), spellings, 3, 0.7)]
    hint = f"did you mean {' or '.join(near)}?" if near else "check its spelling and #ifs"
    if remedy:
        hint = f"{hint} Or {remedy}" if near else f"{hint}, or {remedy}"
    if CHOSEN in declared:
        hint += " Or name it in the script: the plugin has only what that names"
    return HeaderNameError(f"{header} declares no {what} {name}: {hint}")
