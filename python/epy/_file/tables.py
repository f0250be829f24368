"""The table writer, which is C++ in libepy.so: checks a plugin and writes names into its tables."""

import ctypes
import os
from functools import cache
from pathlib import Path

from .._errors import PluginFormatError, StampError
from .elf import VER_NDX_GLOBAL, Image

PACKAGE = Path(os.path.abspath(__file__)).parents[1]
LOADER = PACKAGE / "libepy.so"
STUB = PACKAGE / "stub.so"


class Tables:
    """The symbol tables of the plugin whose bytes `image` holds."""

    def __init__(self, image: Image) -> None:
        self._library = _library()
        self._bytes = (ctypes.c_char * len(image.data)).from_buffer(image.data)
        self._image = image

    def check(self) -> None:
        """PluginFormatError unless it is a plugin, undamaged, with its tables in their place."""
        code = self._library.epy_check_plugin(self._bytes, len(self._bytes))
        if code != 0:
            raise self._image.problem(self._text(code))

    def add(
        self, name: str, value: int, size: int, is_data: bool, section: int, version: str | None
    ) -> None:
        """Add a symbol, with a version if it is to have one. The soname comes before these."""
        number = ctypes.c_uint16(VER_NDX_GLOBAL)
        file = (self._bytes, len(self._bytes))
        if version is not None:
            code = self._library.epy_stamp_version(*file, version.encode(), ctypes.byref(number))
            if code != 0:
                raise StampError(f"version {_short(version)!r}: {self._text(code)}")
        code = self._library.epy_stamp_symbol(
            *file, name.encode(), value, size, is_data, section, number
        )
        if code != 0:
            raise StampError(f"name {_short(name)!r}: {self._text(code)}")

    def set_soname(self, soname: bytes) -> None:
        code = self._library.epy_stamp_soname(self._bytes, len(self._bytes), soname)
        if code != 0:
            raise StampError(f"soname: {self._text(code)}")

    def stamp_checksums(self) -> None:
        """Let the file's checksums be those of its contents: the last step."""
        code = self._library.epy_stamp_checksums(self._bytes, len(self._bytes))
        if code != 0:
            raise StampError(self._text(code))

    def _text(self, code: int) -> str:
        text: bytes = self._library.epy_stamp_error(code)
        return text.decode()


def checksum_of_packed(data: bytes) -> int:
    """stub/pack.h"""
    return int(_library().epy_checksum_of_packed(data, len(data)))


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "..."


@cache
def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(os.fspath(LOADER))
    except OSError as error:
        raise PluginFormatError(
            f"{LOADER}: cannot be loaded ({error}); install epy again"
        ) from None
    file = (ctypes.c_void_p, ctypes.c_size_t)
    library.epy_check_plugin.argtypes = file
    library.epy_stamp_checksums.argtypes = file
    library.epy_stamp_soname.argtypes = (*file, ctypes.c_char_p)
    library.epy_stamp_symbol.argtypes = (
        *file,
        ctypes.c_char_p,
        ctypes.c_uint64,
        ctypes.c_uint64,
        ctypes.c_uint32,
        ctypes.c_uint16,
        ctypes.c_uint16,
    )
    library.epy_stamp_version.argtypes = (*file, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint16))
    library.epy_stamp_error.restype = ctypes.c_char_p
    library.epy_checksum_of_packed.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
    library.epy_checksum_of_packed.restype = ctypes.c_uint64
    return library
