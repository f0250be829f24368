"""Native addresses that a script offers under a name, and the one that a name leads to after it."""

from __future__ import annotations

import sys

from .. import _native
from .._core import NativeFunction
from .._errors import SignatureError, SymbolNotFoundError, wrong_argument
from .._export import of_prototype
from .._native import Export
from .._script import find_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _ctypes import CFuncPtr
    from typing import Any

    from .._signature import Prototype


def export_address(name: str, address: Any) -> None:
    """Offer a native address to the host under a name: calls go there, nothing of epy runs.

    `address` is an int, a ctypes function object, or anything with an `.address` (a numba cfunc,
    what `epy.callback` returns); the object is kept alive until the plugin is unloaded. Raises
    ExportNameError for a name that is empty, contains NUL or is taken, SignatureError for what is
    no address.
    """
    script = find_script()
    value = address
    is_native = "ctypes" in sys.modules and _is_native(address)
    if is_native:
        from .._types import native_address

        value = native_address(address)
    elif not isinstance(address, int):
        value = getattr(address, "address", None)
    if not isinstance(value, int) or not 0 < value < 1 << 64:
        raise SignatureError(
            f"epy.export_address({name!r}, {address!r}): no address: "
            "give an int, a ctypes function or an object with .address"
        )
    script.check_new(name)
    has_type = is_native and getattr(address, "_argtypes_", None) is not None
    text = script.describe(lambda: _declared(type(address), name) if has_type else f"{name}(...)")
    script.publish(name, value)
    callback = address.callback if isinstance(address, NativeFunction) else None
    export = Export(name, "address", value, text, callback=callback, keep=(address,))
    script.keep(script.offered, name, export)


def _declared(prototype: type[CFuncPtr], name: str) -> str:
    from .._c.spelling import declare_function

    return declare_function(prototype, name)


def _is_native(function: object) -> bool:
    """Whether it is a function pointer of ctypes."""
    from _ctypes import CFuncPtr

    return isinstance(function, CFuncPtr)


def export_list(items: Any) -> None:
    """Take a module's EPY_EXPORT_LIST: (name, address) tuples, or ctypes functions with a name."""
    for item in items:
        if isinstance(item, tuple) and len(item) == 2:
            export_address(*item)
        elif hasattr(item, "__name__"):
            export_address(item.__name__, item)
        else:
            raise SignatureError(f"EPY_EXPORT_LIST has {item!r}: write (name, address)")


def of_process(name: str) -> int:
    """Where the process's own definition of a name is; 0 if there is none."""
    from ctypes import CDLL

    from .._types import native_address

    try:
        defined: Any = getattr(CDLL(None), name, None)
    except (UnicodeEncodeError, ValueError):  # which no symbol is called
        return 0
    return 0 if defined is None else native_address(defined)


def next_function(name: str, prototype: Prototype | None = None) -> Any:
    """The next definition of a function in the process, as a ctypes function (LD_PRELOAD).

    That is the one which the host would have found without this plugin. Its type is `prototype` (a
    ctypes function type or a C prototype), else that of the plugin's export of this name, else
    `int ()`. While `epy build` imports the script, or outside a plugin, it is the process's own
    definition. Raises SymbolNotFoundError if there is none.
    """
    if not isinstance(name, str):
        raise wrong_argument("next_function", "name", name, "a function's name")
    script = find_script()
    if prototype is not None:
        known = _native.of_plain_text(prototype, script) or of_prototype(prototype, None, script)
        found: Any = known.prototype
    else:
        exported = script.exports.get(name)
        found = exported and exported.function_type()
    if found is None:
        from ctypes import CFUNCTYPE, c_int

        found = CFUNCTYPE(c_int)
    address = script.next_function(name)
    if not address:
        raise SymbolNotFoundError(
            f"no further definition of '{name}' in the process: load its library first"
        )
    function = found(address)
    function.__name__ = name
    return function
