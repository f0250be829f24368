"""A function for makefiles: `load ./check.so`, then `$(add 40,2)`."""

from ctypes import c_int, memmove

import epy

make = epy.header("gnumake.h")
allocate = make.function("void *gmk_alloc(unsigned int length)")

epy.export_data("plugin_is_GPL_compatible", c_int(1))  # make asks for the name


def add(name, count, arguments):
    return expansion(b"%d" % (int(arguments[0]) + int(arguments[1])))


def expansion(text):
    """A copy of the text that make owns."""
    buffer = allocate(len(text) + 1)
    memmove(buffer, text + b"\0", len(text) + 1)
    return buffer


@make.export("int check_gmk_setup(const gmk_floc *location)")
def check_gmk_setup(location):
    make.gmk_add_function(b"add", add, 2, 2, make.GMK_FUNC_DEFAULT)
    return 1
