"""Functions of numbers that numba compiles: the host calls machine code, no Python runs.

An exception cannot leave such code. It is caught in it, and the Python function called with the
same arguments instead: that raises it again, where it is reported like any other, and the host gets
the declared error value.
"""

from __future__ import annotations

import sys
from types import FunctionType

from .. import _report
from .._errors import SignatureError
from .._native import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .. import _core
    from .._native import Signature
    from .._script import Script

# What numba calls the numbers of C, by their codes.
_NUMBERS = dict(
    zip(
        "v?fdbBhHiIlLqQ",
        "void boolean float32 float64 int8 uint8 int16 uint16 intc uintc long_ ulong longlong "
        "ulonglong".split(),
        strict=True,
    )
)
_SOURCE = """\
def serve({names}):
    try:
        {result}compiled({names})
    except Exception:
        {result}reported({names})
    {end}
"""


def compiled(
    function: Callable[..., Any],
    found: Signature,
    callback: _core.Callback,
    script: Script,
) -> int | None:
    """The address of a function's machine code; None where it runs as Python.

    That is said when the plugin is built; a running plugin says it with EPY_LOG=info. Raises
    SignatureError for what is no function of numbers.
    """
    if found.called or any(found.classes) or not set(found.codes) <= _NUMBERS.keys():
        raise SignatureError(
            f"{place(function)} jit=True compiles functions of numbers alone, and its prototype "
            "has another type: leave jit= out, or pass numbers"
        )
    if not isinstance(function, FunctionType):
        raise SignatureError(
            f"{place(function)} jit=True compiles Python functions, and this is a "
            f"{type(function).__name__}: leave jit= out"
        )
    # A thread that watches for edits must not be in a compiler whose memory a host's exit frees.
    if not script.compiles or script.trace is not None or script.watched:
        return None
    try:
        code = _compile(function, found, callback)
    except Exception as error:  # numba has dozens of its own
        _say_why(script, function, error)
        return None
    script.former.append(code)  # the host may be in it until the unload
    address: int = code.address
    return address


def _say_why(script: Script, function: FunctionType, error: Exception) -> None:
    """Why a function runs as Python. What is true of all of a script's is said of the first."""
    global _without
    level = _report.WARNING if script.building else _report.INFO
    if isinstance(error, ImportError) and error.name == "numba":
        if script is _without:
            return
        if script.building:
            _without = script
        reason = f"{sys.executable} does not have numba, which jit=True needs"
    else:
        reason = _first_line(error)
    _report.write(f"epy: {place(function)} runs as Python, not compiled: {reason}", level=level)


_without: Script | None = None  # the script that is built, if its Python has no numba


def _compile(function: FunctionType, found: Signature, callback: _core.Callback) -> Any:
    import numba  # type: ignore[import-not-found, unused-ignore]

    result, *arguments = (getattr(numba.types, _NUMBERS[code]) for code in found.codes)
    inner = numba.njit(function)
    inner.compile(tuple(arguments))  # what is wrong with it is said of the function itself
    is_void = found.codes[0] == "v"
    text = _SOURCE.format(
        names=", ".join(f"a{index}" for index in range(len(arguments))),
        result="" if is_void else "value = ",
        end="return" if is_void else "return value",
    )
    names: dict[str, Any] = {"compiled": inner, "reported": found.prototype(callback.address)}
    exec(text, names)
    return numba.cfunc(result(*arguments))(names["serve"])


def _first_line(error: Exception) -> str:
    """Of numba's pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith("Failed in nopython mode")]
    return f"{type(error).__name__}: {(useful or [''])[0]}"
