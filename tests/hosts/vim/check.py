"""Functions for vim's libcall() and libcallnr()."""

from ctypes import c_char_p, c_int

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"


@epy.export(error=-1)
def add1(number: c_int) -> c_int:
    return number + 1


@epy.export
def packages(text: c_char_p) -> c_char_p:
    return NAME
