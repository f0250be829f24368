"""Callbacks that C makes of a callable and the text of a prototype."""

from __future__ import annotations

from .. import _core
from .._errors import SignatureError
from .._native import Signature, check_parameters, native_callback, place, python_function
from .._script import Script, find_script, nowhere
from .._types import signature
from .plain_prototypes import read_prototype

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def new_callback(function: Any, prototype: str, error: object) -> _core.Callback:
    """A callback of no plugin, for C that gives its prototype as text. Text is str.

    It calls `function`; C gets `error` when that raises, or when the callback is gone.
    """
    return _make(function, prototype, error, nowhere())


def new_callback_here(function: Any, prototype: str, error: object) -> _core.Callback:
    """The same, of the plugin that runs here if one does."""
    return _make(function, prototype, error, find_script())


def _make(function: Any, prototype: str, error: object, script: Script) -> _core.Callback:
    _, result, parameters = read_prototype(prototype)
    function = python_function(function)
    try:
        check_parameters(function, len(parameters))
    except SignatureError as problem:
        raise SignatureError(f"{place(function)} {problem}") from None
    found = Signature(*signature(result, parameters))
    name = getattr(function, "__name__", type(function).__name__)
    return native_callback(function, found, error, f"callback '{name}'", script)
