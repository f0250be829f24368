"""Exported data: the symbol that offers a ctypes value to the host.

At build the bytes go into the plugin with their pointers as relocations. At run time the script
gets an object on that very memory, and functions that it points to are published to their slots.
"""

from __future__ import annotations

import ctypes
from _ctypes import Array, CFuncPtr, Structure, Union, _Pointer, _SimpleCData
from _weakref import ReferenceType

from .._errors import LayoutError, SignatureError
from .._native import Export
from .._parts import DataEntry
from .._script import Script, find_script, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._plugin import Running


def layout(ctype: Any) -> str:
    """A text that is the same for two types exactly if their memory means the same to C."""
    return _layout(ctype, [])


def _layout(ctype: Any, outer: list[Any]) -> str:
    if ctype is None:
        return "v"
    if issubclass(ctype, _SimpleCData):
        return str(ctype._type_)
    if issubclass(ctype, CFuncPtr):
        return "F"
    if ctype in outer:  # a list's node points to nodes
        return f"^{len(outer) - outer.index(ctype)}"
    inner = [*outer, ctype]
    if issubclass(ctype, _Pointer):
        return f"*{_layout(ctype._type_, inner)}"
    if issubclass(ctype, Array):
        return f"[{ctype._length_}{_layout(ctype._type_, inner)}]"
    members = "".join(
        f"{field[0]}@{getattr(ctype, field[0]).offset}:{_layout(field[1], inner)}"
        f"{'/' + str(field[2]) if len(field) == 3 else ''};"
        for base in reversed(ctype.__mro__)
        for field in vars(base).get("_fields_", ())
    )
    opening, closing = "<>" if issubclass(ctype, Union) else "{}"
    return f"{opening}{members}{ctypes.sizeof(ctype)}{closing}"


def export_data(name: str, value: Any) -> Any:
    """Offer a data symbol to the host; returns the object on the exported memory: use that one.

    `value` is a ctypes structure, union, array or simple object, or bytes or str (UTF-8), which
    become a `char` array with a NUL at its end. What it holds when `epy build` has imported the
    script is in the plugin's file, so the host may read it before any Python runs: bytes, and
    pointers to exports, callbacks, strings and other ctypes objects. The value must keep those
    alive: assign the object, not its address. Set function pointers before the call.

    At run time nothing is written: the object returned reads and writes the memory that the host
    sees. Python may use it, and what it leads to, also when the plugin is unloaded: its file stays
    mapped as long as somebody has the object, a view or a pointer of it. In a plugin that was not
    built with the name, the name is added, for `value`'s own memory. An executable linked with the
    plugin may hold a copy of the value, which is then what both use; a pointer from other exported
    data still leads to the plugin's own.

    Raises ExportNameError for a name that is empty, contains NUL or is taken, StampError (at build)
    for a pointer to memory that the value does not keep alive, LayoutError if the type's layout is
    not the build's.
    """
    script = find_script()
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        value = ctypes.create_string_buffer(value)
    if not isinstance(value, (Structure, Union, Array, _SimpleCData, _Pointer, CFuncPtr)):
        raise SignatureError(
            f"epy.export_data({name!r}, ...): {type(value).__name__} is no ctypes object: "
            "pass a structure, an array, c_int(...) or bytes"
        )
    script.check_new(name)
    text = script.describe(lambda: _declared(type(value), name))
    export = Export(name, "data", ctypes.addressof(value), text, value=value, source=value)
    script.place_data(export)
    script.keep(script.offered, name, export)
    return export.value


def _declared(ctype: Any, name: str) -> str:
    from .._c.spelling import declare

    return declare(ctype, name)


def place(script: Running, export: Export) -> None:
    """Map the value onto the plugin's file, or add its own memory to the plugin's names."""
    native = script.native
    entry = script.loaded.get(export.name)
    size = ctypes.sizeof(export.value)
    if entry is None:
        _add_memory(script, export, size)
        return
    export.functions = unnamed_functions(script, export.value)
    again = "run `epy build` again"
    if not isinstance(entry, DataEntry):
        raise LayoutError(f"'{export.name}' was a function when {native.path} was built: {again}")
    if (entry.size, entry.layout) != (size, layout(type(export.value))):
        raise LayoutError(
            f"data '{export.name}' has another layout than when {native.path} was built: {again}"
        )
    if len(entry.slots) != len(export.functions):
        raise LayoutError(
            f"data '{export.name}' has {len(export.functions)} function pointers that are no "
            f"exports, {len(entry.slots)} when {native.path} was built: {again}"
        )
    callbacks = {item.address: item.callback for item in script.callbacks}
    for slot, address in zip(entry.slots, export.functions, strict=True):
        if address != native.trampoline(slot):
            script.publish_slot(slot, callbacks.get(address, address))
    export.keep = tuple(callbacks[item] for item in export.functions if item in callbacks)
    memory = native.exported_data(export.name, entry.address, size)
    export.value = _object_on(memory, type(export.value))
    export.address = ctypes.addressof(export.value)


_views: dict[int, tuple[object, memoryview]] = {}


def _object_on(memory: memoryview, ctype: Any) -> Any:
    """An object that keeps the view, and with that the plugin's image, while somebody has it."""
    value = ctype.from_buffer(memory)
    if isinstance(value, _SimpleCData):  # it keeps but one thing: a text that it is given
        key = id(value)
        _views[key] = ReferenceType(value, lambda _: _views.pop(key)), memory
    return value


def _add_memory(script: Running, export: Export, size: int) -> None:
    """Add a name that was not there at build, unless an earlier run of the script has."""
    native, name, ctype = script.native, export.name, type(export.value)
    former = script.staged.exports.get(name) if script.staged else None
    if former is None:
        address = export.address
        if script.staged is not None:
            script.staged.names.append(lambda: native.append_data(name, address, size))
            return
        export.address = native.append_data(name, address, size)
        if export.address != address:  # in a Python that has ended since
            ctypes.memmove(export.address, address, size)
            export.keep, export.value = (export.value,), ctype.from_address(export.address)
        return
    if former.kind != "data" or layout(type(former.value)) != layout(ctype):
        raise LayoutError(
            f"data '{name}' had another layout before the reload: hosts have its address: load the "
            "plugin anew"
        )
    export.address, export.keep = former.address, (former, export.value)
    export.value = ctype.from_address(export.address)


def leave_to_hosts() -> None:
    """Python ends: what hosts know by a name that is not in a plugin's file stays for good."""
    for script in list(registry.by_plugin.values()):
        for export in script.exports.values():
            if export.kind == "data" and export.name not in script.loaded:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object((export.value, export.keep)))


def unnamed_functions(
    script: Script, value: Any, exported: list[Any] | None = None
) -> tuple[int, ...]:
    """The functions that `value` reaches and that have no slot of their own, in order.

    Other exported data is not followed: its functions are its own.
    """
    from .memory import collect  # few scripts export data

    if exported is None:
        exported = []
        for export in script.exports.values():
            if export.kind == "data":
                exported += [export.source, export.value]
    named = {export.address for export in script.exports.values() if export.kind == "function"}
    known = named | {callback.address for callback in script.callbacks}
    found = [
        target[1]
        for block in collect([*exported, value], known, skip=len(exported))
        for _, target in block.relocations
        if target[0] == "function" and target[1] not in named
    ]
    return tuple(dict.fromkeys(found))
