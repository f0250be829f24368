"""Where a plugin looks for its loader and its Python, and what is there, by the loader's code."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .._file.plugin import open_plugin
from .._file.tables import LOADER

# loader_place and usable of stub/finding.h, python_source of loader/bootstrap/candidates.h.
_PLACES = ("beside the plugin", "EPY_HOME", "where it was built", "in the plugin", "installed")
_VERDICTS = (
    *("", "no such file", "is no loader", "does not serve this plugin", "others can change it"),
    *("is damaged", "cannot be read by this user"),
)
_SOURCES = (
    *("the host's choice", "beside the plugin", "EPY_PYTHON", "that it was built for"),
    *("on PATH", "of the system"),
)


class Seen(NamedTuple):
    """One thing that was looked at."""

    place: str
    path: str
    problem: str  # empty: it is taken
    executable: str = ""
    is_damaged: bool = False  # which ends the search


class _Wish(ctypes.Structure):
    """python_wish of loader/bootstrap/python.h."""

    _fields_ = [
        ("plugin", ctypes.c_char_p),
        ("libpython", ctypes.c_char_p),
        ("executable", ctypes.c_char_p),
        ("loader", ctypes.c_char_p),
        ("pack", ctypes.c_char_p),
        ("pack_size", ctypes.c_uint64),
        ("chosen_by_host", ctypes.c_char_p),
    ]


_LoaderSeen = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p)
_PythonSeen = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p
)


def command_for_library(version: str) -> str:
    """ "apt install libpython3.11" of "3.11", in the words of this system's package manager."""
    found: list[str] = []
    take = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda text: found.append(os.fsdecode(text)))
    ctypes.CDLL(os.fspath(LOADER)).epy_command_for_library(version.encode(), take)
    return found[0]


class Search:
    """Of the plugin in this file."""

    def __init__(self, path: Path) -> None:
        image, _ = open_plugin(path)
        info = image.info()
        self._plugin = os.fsencode(os.path.abspath(path))
        self._contract = info.contract
        self._stamped = {
            name: image.text_at(address) if address else None
            for name, address in (
                ("loader", info.loader_path),
                ("libpython", info.libpython_path),
                ("executable", info.executable_path),
            )
        }
        place = info.pack
        self._pack = bytes(image.bytes_at(place.address, place.size)) if place.size else b""
        self._library: Any = ctypes.CDLL(os.fspath(LOADER))

    @property
    def has_own(self) -> bool:
        """The plugin brings loader and cores along."""
        return bool(self._pack)

    def loaders(self) -> list[Seen]:
        """In order; the last one is taken, or there is none."""
        seen: list[Seen] = []

        def look(place: int, verdict: int, path: bytes, why: bytes | None) -> None:
            problem = os.fsdecode(why) if why else _VERDICTS[verdict]
            found = Seen(_PLACES[place], os.fsdecode(path), problem)
            seen.append(found._replace(is_damaged=why is not None))

        self._ask(
            "epy_find_loaders",
            self._plugin,
            self._stamped["loader"],
            int(bool(self._pack)),
            ctypes.c_uint32(self._contract),
            _LoaderSeen(look),
        )
        return seen

    def pythons(self) -> tuple[list[Seen], str]:
        """In order; the last one is taken if there is no complaint: what the plugin would say."""
        seen: list[Seen] = []
        complaints: list[str] = []

        def look(source: int, libpython: bytes, executable: bytes, problem: bytes) -> None:
            if source < 0:
                complaints.append(os.fsdecode(problem))
            else:
                path, why, program = map(os.fsdecode, (libpython, problem, executable))
                seen.append(Seen(_SOURCES[source], path, why, program))

        wish = _Wish(
            plugin=self._plugin,
            libpython=self._stamped["libpython"],
            executable=self._stamped["executable"],
            loader=self._stamped["loader"],
            pack=self._pack or None,
            pack_size=len(self._pack),
        )
        self._ask("epy_find_pythons", ctypes.byref(wish), _PythonSeen(look))
        return seen, "".join(complaints)

    def _ask(self, name: str, *arguments: object) -> None:
        function: Callable[..., None] = self._library[name]
        function(*arguments)
