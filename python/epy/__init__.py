"""epy turns a Python script into a C plugin: mark functions, then run `epy build script.py`.

import epy
from ctypes import c_int

@epy.export
def add(a: c_int, b: c_int) -> c_int:
    return a + b

`epy.plugin` is the plugin whose script or callback runs (an error outside one), `epy.building` is
true while `epy build` imports the script.
"""

import sys

from . import _core, _names, _report
from ._core import NativeFunction, view
from ._script import Plugin, current_script, find_script, nowhere, on_load, on_reload, on_unload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._errors import (
        ArgumentError,
        BindingsError,
        ConstantError,
        Error,
        ExportNameError,
        FieldError,
        HeaderError,
        HeaderNameError,
        InvalidHandleError,
        LayoutError,
        MisfitError,
        PluginFormatError,
        PythonNotFoundError,
        RangeError,
        ReloadError,
        ScriptError,
        SignatureError,
        StampError,
        SymbolNotFoundError,
        UnknownFieldError,
        UnloadedError,
        UntrustedFileError,
        ViewError,
    )
    from ._export import callback, export
    from ._exports.addresses import export_address, next_function
    from ._exports.bindings import Bindings
    from ._exports.constant import constant
    from ._exports.data import export_data
    from ._header import Header, header
    from ._headers.out import out
    from ._host.address import address
    from ._host.calls import call, tail_call
    from ._host.error_number import get_errno, set_errno
    from ._host.host_classes import host_class
    from ._host.methods import methods
    from ._host.objects import Consumed, Object, release
    from ._host.put import put
    from ._host.va_list import VaList, format
    from ._report import Report, print_report
    from ._running.reloading import reload
    from ._types import Buffer
    from .typing import (
        Pointer,
        c_bool,
        c_byte,
        c_char,
        c_char_p,
        c_double,
        c_double_complex,
        c_float,
        c_float_complex,
        c_int,
        c_int8,
        c_int16,
        c_int32,
        c_int64,
        c_long,
        c_longdouble,
        c_longlong,
        c_short,
        c_size_t,
        c_ssize_t,
        c_str,
        c_ubyte,
        c_uint,
        c_uint8,
        c_uint16,
        c_uint32,
        c_uint64,
        c_ulong,
        c_ulonglong,
        c_ushort,
        c_void_p,
        c_wchar,
        c_wchar_p,
        py_object,
    )

    __all__ = [
        "ArgumentError",
        "Bindings",
        "BindingsError",
        "ConstantError",
        "Consumed",
        "Buffer",
        "Error",
        "ExportNameError",
        "FieldError",
        "Header",
        "HeaderError",
        "HeaderNameError",
        "InvalidHandleError",
        "LayoutError",
        "MisfitError",
        "NativeFunction",
        "Object",
        "Plugin",
        "PluginFormatError",
        "PythonNotFoundError",
        "RangeError",
        "ReloadError",
        "Report",
        "ScriptError",
        "SignatureError",
        "StampError",
        "SymbolNotFoundError",
        "UnknownFieldError",
        "UnloadedError",
        "UntrustedFileError",
        "VaList",
        "address",
        "ViewError",
        "c_double_complex",
        "c_float_complex",
        "c_str",
        "c_bool",
        "c_byte",
        "c_char",
        "c_char_p",
        "c_double",
        "c_float",
        "c_int",
        "c_int8",
        "c_int16",
        "c_int32",
        "c_int64",
        "c_long",
        "c_longdouble",
        "c_longlong",
        "c_short",
        "c_size_t",
        "c_ssize_t",
        "c_ubyte",
        "c_uint",
        "c_uint8",
        "c_uint16",
        "c_uint32",
        "c_uint64",
        "c_ulong",
        "c_ulonglong",
        "c_ushort",
        "c_void_p",
        "c_wchar",
        "c_wchar_p",
        "py_object",
        "Pointer",
        "call",
        "callback",
        "constant",
        "error_hook",
        "export",
        "export_address",
        "export_data",
        "format",
        "get_errno",
        "header",
        "host_class",
        "methods",
        "next_function",
        "on_load",
        "on_reload",
        "on_unload",
        "out",
        "print_report",
        "put",
        "release",
        "reload",
        "set_errno",
        "tail_call",
        "view",
    ]

    plugin: Plugin
    """The plugin whose script or callback runs here; at build a stand-in. Error outside both."""
    building: bool
    """True while `epy build` imports the script."""
    error_hook: Callable[[Report], object]
    """Called with a Report for every exception that leaves a callback, on the callback's thread.

    Assign your own: a plugin's code sets the hook of that plugin alone, and it goes with the
    plugin; other code sets the hook for callbacks of no plugin and of plugins that have none.
    `del epy.error_hook` takes it back. Reading it gives the one that counts here; at first
    `print_report`, which prints on stderr.
    """

__version__ = "0.1.0"


def _returned_callback(prototype: "Any", function: "Any") -> "NativeFunction":
    from ._export import returned_callback

    return returned_callback(prototype, function)


def _reporter(callback: "_core.Callback", exception: BaseException) -> bool:
    return _report.reporter(callback, exception)


def _export_others(*arguments: "Any", **options: "Any") -> "Any":
    """`epy.export` in a plugin, for what the core does not do by itself."""
    from ._export import export

    return export(*arguments, **options)


class _Package(type(_core)):  # type: ignore[misc]
    """This module: assigning the hook depends on who does it."""

    error_hook = property(
        lambda _: _report.find_hook(find_script()),
        lambda _, hook: _report.set_hook(hook),
        lambda _: _report.remove_hook(),
    )


sys.modules[__name__].__class__ = _Package
_core.set_reporter(_reporter)
_core.set_callback_maker(_returned_callback)

_USUAL = {"export": "_export", "header": "_header"}

if not TYPE_CHECKING:  # a type checker knows them, and that there are no others

    def __dir__() -> list[str]:
        """Also what is loaded later; not `plugin` where none runs: browsing must not raise."""
        special = {name for name in globals() if name.startswith("__")}
        running = {"plugin"} if find_script() is not nowhere() else set()
        return sorted({*special, *_names.HOMES, *_names.THERE, "building", *running})

    def __getattr__(name: str) -> object:
        if name == "plugin":
            return current_script().plugin
        if name == "building":
            return find_script().building
        if name == "__all__":
            return [*_names.HOMES, *_names.THERE]
        # A start pays only for what its script uses, and most use these two.
        home = _USUAL.get(name) or (_names.HOMES.get(name) if name[0] != "_" else None)
        if name == "export" and _core.current_plugin() is not None:
            globals()[name] = value = _core.plain_exporter(_export_others)
            return value
        if home is not None:
            module = __import__(home, globals(), fromlist=(name,), level=1)
            globals()[name] = value = getattr(module, name)
            return value
        if name == "_C_API":  # a capsule; loader/include/epy_core.h says what is in it
            return _core.public_capsule()
        from difflib import get_close_matches

        near = get_close_matches(name, __dir__(), 1) if name[0] != "_" else []
        hint = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"module 'epy' has no attribute '{name}'{hint}")
