"""A plugin for collectd: it reads nothing, but says when it is asked to."""

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"

collectd = epy.header('#include "collectd.h"\n#include "plugin.h"', errors={"int": -1})
reads = 0


def said(text):
    with open("said", "a", encoding="utf-8") as file:
        file.write(f"epy of {NAME}: {text}\n")


@collectd.callback("int f(void)")
def init():
    said("init")
    return 0


@collectd.callback("int f(void)")
def read():
    global reads
    reads += 1
    if reads == 3:
        said("third read")
    return 0


@epy.on_unload
def gone():
    """Not as collectd's shutdown callback: Python may have gone before that."""
    said("unload")


@collectd.export("void module_register(void)")
def module_register():
    said("register")
    collectd.plugin_register_init(b"check", init)
    collectd.plugin_register_read(b"check", read)
