"""epy: the address of a C function under an exported name."""

import ctypes
import os

from contenders import SYMBOLS

import epy

library = ctypes.CDLL(os.path.join(epy.plugin.folder, "c.so"))
for name in SYMBOLS:
    epy.export_address(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
