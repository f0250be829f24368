"""A plugin of lldb's, which it tells whether it could begin."""

from ctypes import c_bool, c_int, c_void_p

import epy

try:
    from only_in_venv import NAME
except ImportError:
    NAME = "system"


@epy.export(name="_ZN4lldb16PluginInitializeENS_10SBDebuggerE")
def initialize(debugger: c_void_p) -> c_bool:
    """lldb::PluginInitialize(lldb::SBDebugger)"""
    with open("said", "a", encoding="utf-8") as file:
        file.write(f"initialize {NAME}\n")
    return debugger is not None


@epy.export(error=-1)
def add1(number: c_int) -> c_int:
    return number + 1
