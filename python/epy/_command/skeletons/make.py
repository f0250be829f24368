"""An extension for GNU make: functions for makefiles.

    epy build NAME.py
    printf 'load ./NAME.so\nall: ; @echo $(shout hello)\n' | make -f -

The header comes with the package make.
"""

from ctypes import c_int, memmove

import epy

make = epy.header("gnumake.h")
allocate = make.function("void *gmk_alloc(unsigned int length)")

epy.export_data("plugin_is_GPL_compatible", c_int(1))  # make loads nothing without


def shout(text: str) -> str:
    return text.upper() + "!"


def make_shout(name, count, arguments):
    """What make calls: the arguments between the commas. make frees what is returned."""
    text = shout(arguments[0].decode()).encode() + b"\0"
    buffer = allocate(len(text))
    memmove(buffer, text, len(text))
    return buffer


# make looks for X_gmk_setup, where X is the file's name.
@make.export("int NAME_gmk_setup(const gmk_floc *location)")
def NAME_gmk_setup(location):
    make.gmk_add_function(b"shout", make_shout, 1, 1, make.GMK_FUNC_DEFAULT)
    return 1  # 0: it cannot be loaded
