"""A function for makefiles: `load ./check.so`, then `$(add 40,2)`."""

from ctypes import CDLL, CFUNCTYPE, POINTER, c_char_p, c_int, c_uint, c_void_p, memmove

import epy

FUNC_DEFAULT = 0  # GMK_FUNC_DEFAULT
Function = CFUNCTYPE(c_void_p, c_char_p, c_uint, POINTER(c_char_p))

epy.export_data("plugin_is_GPL_compatible", c_int(1))  # make asks for the name

make = CDLL(None)  # the program itself


@epy.callback(Function)
def add(name, count, arguments):
    return expansion(b"%d" % (int(arguments[0]) + int(arguments[1])))


def expansion(text):
    """A copy of the text that make owns."""
    buffer = make.gmk_alloc(len(text) + 1)
    memmove(buffer, text + b"\0", len(text) + 1)
    return buffer


@epy.export("int check_gmk_setup(const void *location)")
def check_gmk_setup(location):
    make.gmk_alloc.argtypes = [c_uint]
    make.gmk_alloc.restype = c_void_p
    make.gmk_add_function.argtypes = [c_char_p, Function, c_uint, c_uint, c_uint]
    make.gmk_add_function.restype = None
    make.gmk_add_function(b"add", add, 2, 2, FUNC_DEFAULT)
    return 1
