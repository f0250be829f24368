"""epy: the address of a C function under an exported name."""

import ctypes
import os

import epy

library = ctypes.CDLL(os.path.join(epy.plugin.folder, "c.so"))
for name in ("f", "add", "f3", "len", "process", "mixed", "process_view"):
    epy.export_address(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
