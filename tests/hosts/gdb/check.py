"""A reader of a just-in-time compiler's debug information, which knows none."""

from ctypes import c_int

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

gdb = epy.header("gdb/jit-reader.h", errors={"enum gdb_status": "GDB_FAIL"})


def said(text):
    with open("said", "a", encoding="utf-8") as file:
        file.write(f"{text} {NAME}\n")


def read(self, callbacks, memory, size):
    return gdb.GDB_FAIL


def unwind(self, callbacks):
    return gdb.GDB_FAIL


def get_frame_id(self, callbacks):
    return gdb.struct.gdb_frame_id(0, 0)


def destroy(self):
    said("destroy")


reader = gdb.gdb_reader_funcs(
    reader_version=gdb.GDB_READER_INTERFACE_VERSION,
    read=read,
    unwind=unwind,
    get_frame_id=get_frame_id,
    destroy=destroy,
)


@gdb.export
def gdb_init_reader():
    said("init")
    return reader


@epy.export
def plugin_is_GPL_compatible() -> None:
    """gdb looks for the name."""


@epy.export(error=-1)
def add1(number: c_int) -> c_int:
    return number + 1
