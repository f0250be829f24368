"""`epy.reload`: a script runs again while its host does.

The plugin, its slots, its addresses and what hosts hold stay; what they lead to is exchanged. The
script runs beside its former self first. Only if that is whole, and fits what the host has by now,
do slots and callbacks lead to it; else the former self goes on.
"""

from __future__ import annotations

import atexit
import gc
import sys
from _weakref import ReferenceType
from types import FunctionType, ModuleType

from .. import _core
from .._core import NativeFunction
from .._errors import Error, ReloadError, ScriptError, UnloadedError
from .._modules import drop_modules, run_modules
from .._parts import Staged
from .._plugin import Running, put_hooks_first
from .._report import format_exception, write
from .._script import Plugin, Script, current_script, registry
from .._types import CData
from .former import Former

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .._modules import Sources
    from .._native import Export

    _Key = tuple[str, str, str]
    _Pair = tuple[_core.Callback, _core.Callback | FunctionType]

PATIENCE = 2  # seconds


class _Made(ReferenceType):  # type: ignore[type-arg]
    """A callback of a script, as long as it lives."""

    __slots__ = ("codes", "imported", "key")
    codes: str
    imported: bool  # made while the script was imported
    key: _Key  # module and name of its function, and what reports call it
    __hash__ = ReferenceType.__hash__


def note(script: Script, callback: _core.Callback, codes: str) -> None:
    """A callback was made: hosts may have its address when the script runs again."""
    made = _Made(callback, lambda made: script.made.pop(made, None))
    function: Any = callback.function
    made.codes, made.imported = codes, script.importing
    module, name = (getattr(function, part, None) for part in ("__module__", "__qualname__"))
    made.key = str(module), str(name), callback.label
    script.made[made] = None


def reload(plugin: Plugin | str | None = None) -> None:
    """Run a plugin's script again, from where it lies, while the host goes on.

    `plugin` is an `epy.Plugin`, or its path or name; default: the one that runs here. It must read
    its script from its place: `epy build --editable` or `--reload`, or side by side. Built with
    `--reload` it does this by itself when its files have changed.

    *What the host has.* Addresses of exports, callbacks in its structs and those that it was handed
    lead to the new code: to the function of the same name in the same module. Lambdas and inner
    functions that the import makes follow in their order, if there are as many as before; others,
    and bound methods that were made later, keep the old code. New exports can be looked up. One
    that is gone gives its error value, and says so once. Exported data, and ctypes objects of the
    old module, keep their memory and what is in it. A call under way ends in the old code.

    *State.* The module is new. `@epy.on_reload` gets the old one; neither `on_unload` of the old
    code nor `on_load` of the new is called. Handles stay valid: their objects get the new class if
    that says `reload=True` (`class Synth(epy.Object, reload=True)`), else keep theirs, and come to
    the new code as well: where that declares a class, its former self of the same name fits. What
    `epy.Bindings` has published follows. Threads that the old code has started go on in it.

    *When it fails* the old code stays: an exception of the script passes to the caller,
    `epy.ReloadError` is raised if an export's or a callback's signature differs, with both, or if
    the plugin holds its script.

    Any thread; the script runs on this one. `epy.plugin.state` stays "ready".
    """
    script = _find(plugin)
    if script.plugin.state != "ready":
        raise ReloadError(f"{script.path}: is {script.plugin.state}: reload it in a later call")
    assert isinstance(script, Running)  # no other is ever ready
    if script.place is None:
        raise ReloadError(
            f"{script.path}: holds its script: build it with `epy build --reload`, or --editable"
        )
    from .._file.sources import read_script

    run_again(script, read_script(script.place))


def _find(plugin: Plugin | str | None) -> Script:
    if plugin is None:
        return current_script()
    for script in list(registry.by_plugin.values()):
        if plugin in (script.plugin, script.path, script.name):
            return script
    raise ReloadError(f"epy.reload({plugin!r}): no plugin with this path or name is loaded")


def run_again(script: Running, sources: Sources, say: Callable[[], None] = lambda: None) -> None:
    """Run the script anew. `say` is called once nothing can fail, before the host gets there: it
    may be at its end when it has seen the new code."""
    if not script.reloading.acquire(timeout=PATIENCE):
        raise ReloadError(f"{script.path}: is being reloaded already")
    try:
        _core.run_for(script.native, _run_again, script, sources, say)
    finally:
        script.reloading.release()
    gc.collect()  # the old code, or what there was of the new


def _run_again(script: Running, sources: Sources, say: Callable[[], None]) -> None:
    from .._exports import bindings

    native = script.native
    before = vars(script).copy()
    published = bindings.keep(script)
    former = Former(script.module)
    known = atexit._ncallbacks()
    try:
        _begin(script, before)
        run_modules(script, sources)
        if before["offered"] and not script.exports and not script.bindings:
            raise ScriptError(f"{script.place}: exports nothing: mark functions with @epy.export")
        for hook in script.on_reload:
            hook(former.modules[script.module])
        old_exports: dict[str, Export] = before["offered"]
        _compare(old_exports, script.exports)
        made = _without(before["made"], old_exports)
        pairs = list(_pairs(made, _without(script.made, script.exports)))
        if not native.loaded:
            raise _unloaded(script)
        bindings.publish(script)
        assert script.staged is not None
        for add in script.staged.names:
            add()
    except BaseException:
        former.put_back()
        fresh = script.bindings
        vars(script).update(before)
        bindings.restore(script, published, fresh)
        if registry.by_plugin.get(native) is not script:  # the unload did not wait any longer
            drop_modules(script.module)
            bindings.withdraw(script)
            raise _unloaded(script) from None
        raise
    say()
    _follow(script, old_exports, pairs)
    _keep(script, made, pairs, former)
    bindings.settle(script, published)
    script.staged, script.importing = None, False
    script.callbacks.clear()
    put_hooks_first(script, known)


def _unloaded(script: Script) -> UnloadedError:
    return UnloadedError(f"{script.path}: was unloaded meanwhile")


def _begin(script: Script, before: dict[str, Any]) -> None:
    """As at a start, but for what belongs to the plugin."""
    script.exports, script.headers, script.made = {}, {}, {}
    script.callbacks, script.bindings = [], []
    script.on_load, script.on_unload, script.on_reload = [], [], []
    script.error_hook = None
    script.former = list(script.former)
    script.staged, script.importing = Staged(before["offered"]), True


def _compare(old: dict[str, Export], new: dict[str, Export]) -> None:
    """ReloadError if a name means something else to C now."""
    for name in old.keys() & new.keys():
        before, now = _declared(old[name]), _declared(new[name])
        if before != now or old[name].codes != new[name].codes:
            raise ReloadError(
                f"'{name}' was '{before}' and is '{now}' now: hosts have its address: load the "
                "plugin anew, or take another name"
            )


def _declared(export: Export) -> str:
    """What an export is to C."""
    if export.kind == "data":
        from .._c.spelling import declare

        return declare(type(export.value), export.name)
    prototype = export.function_type()
    if prototype is None:
        return f"{export.name}(...)"
    from .._c.spelling import declare_function

    return declare_function(prototype, export.name)


def _pairs(old: list[_Made], new: list[_Made]) -> Iterator[_Pair]:
    """Callbacks of the old code, and what they shall lead to: a callback, or its function."""
    before, now = _by_key(old), _by_key(new)
    for key, group in before.items():
        successors = [(made, callback) for made, callback in now.get(key, ()) if made.imported]
        function = _look_up(*key[:2])
        for codes in {made.codes for made, _ in group}:
            same = [callback for made, callback in successors if made.codes == codes]
            if successors and not same:
                raise ReloadError(
                    f"{key[2]} has other C types now, and hosts may have its address: load the "
                    "plugin anew, or rename the function"
                )
            first = [one for made, one in group if made.codes == codes and made.imported]
            later = [one for made, one in group if made.codes == codes and not made.imported]
            if len(first) == len(same):
                yield from zip(first, same, strict=True)
            else:
                later += first
            for one in later:
                if isinstance(function, FunctionType) and isinstance(one.function, FunctionType):
                    yield one, next((it for it in same if it.function is function), function)


def _without(made: dict[_Made, None], exports: dict[str, Export]) -> list[_Made]:
    """Callbacks that are no exports."""
    exported = {id(export.callback) for export in exports.values() if export.kind == "function"}
    return [one for one in list(made) if id(one()) not in exported]


def _by_key(made: list[_Made]) -> dict[_Key, list[tuple[_Made, _core.Callback]]]:
    found: dict[_Key, list[tuple[_Made, _core.Callback]]] = {}
    for one in made:
        callback = one()
        if callback is not None:
            found.setdefault(one.key, []).append((one, callback))
    return found


def _look_up(module: str, name: str) -> object:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return getattr(found, "__wrapped__", found) if isinstance(found, NativeFunction) else found


def _follow(script: Running, old: dict[str, Export], pairs: list[_Pair]) -> None:
    """From here on hosts reach the new code."""
    assert script.staged is not None
    for slot, target in script.staged.slots:
        script.native.publish(slot, target)
    script.former += [export for export in old.values() if export.kind == "address"]  # in calls
    for name, export in script.exports.items():
        before = old[name].callback if name in old else script.removed.pop(name, None)
        if export.kind == "function" and export.callback is not None and before is not None:
            export.callback.adopt(before)
    for callback, successor in pairs:
        if isinstance(successor, FunctionType):
            callback.exchange(successor)
        else:
            successor.adopt(callback)
    for name in old.keys() - script.exports.keys():
        _remove(script, old[name])
    for (prototype, function), native_function in list(script.returned.items()):
        if isinstance(function, FunctionType):
            found = _look_up(function.__module__, function.__qualname__)
            if isinstance(found, FunctionType):
                del script.returned[prototype, function]
                script.returned[prototype, found] = native_function
    for held in _core.held_by_host(script.native):
        _give_class(script, held)


def _remove(script: Running, export: Export) -> None:
    """The script does not define it any more."""
    if export.kind == "data":
        script.former.append(export)
        return
    callback = export.callback if export.kind == "function" else None
    if callback is None:  # an address: nothing is known of its result
        callback = _core.Callback(len, "v", (None,), None, f"export '{export.name}'", script.native)
        slot = script.loaded[export.name]
        assert isinstance(slot, int)
        script.native.publish(slot, callback)
    callback.remove()
    script.removed[export.name] = callback


def _give_class(script: Script, held: Any) -> None:
    """An object that a host holds gets the new class, if that wants it."""
    old = type(held)
    if old.__module__.partition(".")[0] != script.module:
        return
    new = _look_up(old.__module__, old.__qualname__)
    if isinstance(new, type) and new is not old and getattr(new, "_follows_reload_", False):
        try:
            held.__class__ = new
        except TypeError as error:
            write(f"epy: {script.path}: an object keeps the old {old.__qualname__}: {error}")


def _keep(script: Script, made: list[_Made], pairs: list[_Pair], former: Former) -> None:
    """What hosts may still hold of the old code: until the unload."""
    adopted = {id(callback) for callback, after in pairs if not isinstance(after, FunctionType)}
    for one in made:
        callback = one()
        if callback is not None and id(callback) not in adopted:
            one.imported = False
            script.made[one] = None  # it may follow the next time
            script.former.append(callback)
    for module in former.modules.values():
        script.former += _c_data(list(vars(module).values()), 3)


def _c_data(values: Any, depth: int) -> Iterator[object]:
    """The ctypes objects among values, and in lists and dicts of them: hosts may hold them."""
    for value in values:
        if isinstance(value, CData) and not isinstance(value, NativeFunction):
            yield value
        elif depth and isinstance(value, (list, tuple, set)):
            yield from _c_data(value, depth - 1)
        elif depth and isinstance(value, dict) and not isinstance(value, ModuleType):
            yield from _c_data(list(value.values()), depth - 1)


def report(script: Script, error: BaseException) -> None:
    """For a reload that nobody has asked for."""
    if isinstance(error, Error):
        write(f"epy: {script.path}: not reloaded, the old code stays: {error}")
    else:
        line = f"epy: {script.path}: not reloaded, the old code stays: its script failed"
        write(line, rest=format_exception(error))
