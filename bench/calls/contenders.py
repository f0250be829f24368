"""Where each contender's functions are. The host imports this in its Python."""

from __future__ import annotations

import ctypes
import importlib
import os

import bodies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

# The functions that are called; and what makes the object that `step` is called with.
SIGNATURES = ("f", "add", "f3", "len", "process", "mixed", "process_view")
SIGNATURES += ("greet", "step", "event", "drive")
SYMBOLS = (*SIGNATURES, "voice_new")

# What each is made of: a library to open, or a module to import. A module that is written in Python
# lists its ADDRESSES, a compiled one has symbols like a library.
LIBRARIES = {
    "epy": "epy_plugin.so",
    "epy_batch": "epy_plugin.so",
    "cffi": "cffi_contender.so",
    "numba": "numba_plugin.so",
    "c": "c.so",
    "c_slot": "c_slot_plugin.so",
}
MODULES = {
    "ctypes": "ctypes_callbacks",
    "cffi_abi": "cffi_callbacks",
    "cython": "cython_contender",
    "pybind11": "pybind11_contender",
    "nanobind": "nanobind_contender",
    "capi": "capi_contender",
    "capi_held": "capi_held_contender",
}
NAMES = (*LIBRARIES, *MODULES)

_kept: list[object] = [bodies]


def addresses(folder: str, name: str) -> dict[str, int]:
    """The addresses of a contender's functions, by signature."""
    if name in LIBRARIES:
        return _symbols(os.path.join(folder, LIBRARIES[name]))
    module: ModuleType = importlib.import_module(MODULES[name])
    _kept.append(module)
    listed: dict[str, int] | None = getattr(module, "ADDRESSES", None)
    return listed if listed is not None else _symbols(str(module.__file__))


def _symbols(path: str) -> dict[str, int]:
    library = ctypes.CDLL(path)
    _kept.append(library)
    found = {}
    for signature in SYMBOLS:
        if hasattr(library, signature):
            address = ctypes.cast(getattr(library, signature), ctypes.c_void_p).value
            assert address is not None
            found[signature] = address
    return found
