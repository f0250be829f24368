"""The life of a plugin inside Python: load and unload, called by the core with the GIL held."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from _thread import allocate_lock

from . import _archive, _core
from ._errors import (
    BindingsError,
    PluginFormatError,
    ScriptError,
    UnloadedError,
    UntrustedFileError,
)
from ._modules import MAGIC, Sources, drop_modules, run_modules
from ._report import DEBUG, INFO, format_exception, is_interrupt, write
from ._script import DataEntry, Script, registry
from ._types import forget_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._archive import Archive


_PATIENCE = 2  # seconds


def load(native: _core.NativePlugin) -> bool | None:
    """Run a plugin's script, publish what it exports, run its on_load hooks.

    If anything fails, the reason is printed once, nothing of the script stays, and the result is
    False; None if it was Ctrl-C, which the host's Python shall see too.
    """
    if native.inside_dlopen:
        from ._loading import reserved

        with reserved():
            return _load(native)
    return _load(native)


def _load(native: _core.NativePlugin) -> bool | None:
    script = Script(_stem(native.script or native.path), native.path, native=native)
    registry.by_plugin[native] = script
    if "EPY_TRACE" in os.environ and not _core.has_raised_privileges():
        return _load_traced(native, script)
    return _load_script(native, script)


def _load_traced(native: _core.NativePlugin, script: Script) -> bool | None:
    from time import perf_counter_ns

    from ._running import tracing

    begin, path = perf_counter_ns(), os.environ["EPY_TRACE"]
    try:
        trace = tracing.follow(script, path)
    except OSError as error:
        write(f"epy: EPY_TRACE={path}: {error.strerror}: calls are not traced; name another file\n")
        return _load_script(native, script)
    try:
        return _load_script(native, script)
    finally:
        trace.started(script.path, begin, script.plugin.state)


def _load_script(native: _core.NativePlugin, script: Script) -> bool | None:
    outcome: bool | None = False
    try:
        outcome = _run(native, script)
    finally:
        script.plugin.state = "ready" if outcome else "failed"
        if not outcome:  # and nothing refers to the exception any more, which leads to the script
            _drop(native, script)
    return outcome


def _run(native: _core.NativePlugin, script: Script) -> bool | None:
    source = native.script or native.path
    try:
        sources, source = _sources_of(native, script)
        run_modules(script, sources)
        if not script.exports and not script.bindings:
            raise ScriptError(f"{source}: exports nothing: mark functions with @epy.export")
        _publish_bindings(script)
        for hook in script.on_load:
            hook()
        _publish_bindings(script)
    except BaseException as error:
        _core.note_error(error, native.path, "the start", format_exception(error), "")
        write(_failure(script, native, source, error), native.path, is_error=True)
        return None if is_interrupt(error) else False
    script.importing = False
    script.callbacks.clear()
    if _core.is_logged(INFO):
        _say_started(script, source)
    if script.watched:
        from ._running.watching import watch

        watch(script, sources)
    return True


def _say_started(script: Script, source: str) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    python = f"Python {version} ({script.executable or sys.executable})"
    count = f"{len(script.exports)} export{'' if len(script.exports) == 1 else 's'}"
    write(f"epy: {script.path}: started: {count}, script {source}, {python}\n", level=INFO)
    for name, export in script.exports.items():
        write(f"epy: {script.path}: exports {export.kind} '{name}'\n", level=DEBUG)


def unload(native: _core.NativePlugin) -> None:
    """Run a plugin's on_unload hooks and drop everything that its script made."""
    script = registry.by_plugin.get(native)
    if script is not None:
        # A reload sees that the plugin is gone, and undoes what it has done.
        waited = script.reloading.acquire(timeout=_PATIENCE)
        try:
            _run_unload_hooks(script)
        finally:
            _drop(native, script)
            script.plugin.state = "unloaded"
            _end_reports()
            write(f"epy: {script.path}: unloaded\n", level=INFO)
            if waited:
                script.reloading.release()


def at_exit() -> None:
    """The process exits: run every plugin's on_unload hooks. Calls after it are still served."""
    for script in list(reversed(registry.by_plugin.values())):
        _run_unload_hooks(script)
    _end_reports()


def _end_reports() -> None:
    folding: Any = sys.modules.get("epy._running.folding")
    if folding is not None:
        folding.end()


def leave_process() -> None:
    """The process exits, and nobody has finalized the Python that epy started."""
    from . import _start

    at_exit()
    if _start.taken_over:  # a host that does not finalize runs none of its exit functions
        for script in list(reversed(registry.by_plugin.values())):
            _run_exit_functions(script, [])
    else:
        atexit._run_exitfuncs()


def follow_end() -> None:
    """When Python is finalized: on_unload hooks after all other exit functions, then no calls."""
    atexit.register(_core.end_of_calls)
    atexit.register(at_exit)


def _forget_hooks() -> None:
    """In a forked child: the hooks are its parent's."""
    for script in registry.by_plugin.values():
        script.on_unload.clear()
        script.exit_functions.clear()
        script.unloading = allocate_lock()
        script.reloading = allocate_lock()


os.register_at_fork(after_in_child=_forget_hooks)


def _run_unload_hooks(script: Script) -> None:
    """In reverse order, each once, whatever the others raise.

    Another thread may be running them: the process exits just after dlclose, or the other way
    round. Then its hooks are waited for, a while.
    """
    taken = script.unloading.acquire(timeout=_PATIENCE)
    try:
        while script.on_unload:
            _run_last(script, "on_unload", script.on_unload.pop())
    finally:
        if taken:
            script.unloading.release()


def _run_last(script: Script, kind: str, hook: Callable[[], object], name: str = "") -> None:
    try:
        hook()
    except BaseException as error:
        name = name or getattr(hook, "__name__", "?")
        header = f"epy: exception in {kind} '{name}' of {script.path}:\n"
        write(header + format_exception(error), script.path)


def _run_exit_functions(script: Script, left: list[object]) -> None:
    if script.exit_functions:
        from . import _exit

        for one in _exit.take(script):
            left.append(one.function)
            name = getattr(one.function, "__name__", "?")
            _run_last(script, "the exit function", one, name)


def _drop(native: _core.NativePlugin, script: Script) -> None:
    """Each step, whatever the others raise: memory may run out. Then it is tried once more."""
    left: list[object] = [script]
    steps: tuple[Callable[[], object], ...] = (
        lambda: _run_exit_functions(script, left),
        lambda: registry.by_plugin.pop(native, None),
        lambda: left.extend(_withdraw_bindings(script)),
        lambda: left.extend(_core.take_from_host(native)),
        lambda: left.extend(_give_signals_back(script)),
        lambda: left.extend(drop_modules(script.module)),
        lambda: left.extend(forget_types(script.module) if script.module else ()),
        lambda: _collect(script, left),
    )
    for step in steps:
        try:
            _try_twice(step)
        except BaseException as error:
            header = f"epy: {script.path}: something of its script stays:\n"
            write(header + format_exception(error), script.path)


def _publish_bindings(script: Script) -> None:
    if script.bindings:
        from ._exports import bindings

        bindings.publish(script)


def _withdraw_bindings(script: Script) -> list[object]:
    if not script.bindings:
        return []
    from ._exports import bindings

    return bindings.withdraw(script)


def _try_twice(step: Callable[[], object]) -> None:
    try:
        step()
    except MemoryError:
        step()


def _give_signals_back(script: Script) -> list[object]:
    signals = sys.modules.get("epy._running.signals")
    dropped: list[object] = signals.give_back(script) if signals else []
    return dropped


def _collect(script: Script, left: list[object]) -> None:
    """Free what a script has left: its functions, classes and modules refer to each other."""
    is_on = gc.isenabled()
    gc.disable()  # a collection in between would make what it leaves old again
    try:
        generation = _core.make_young(left)
        left.clear()
        _forget(script)
        gc.collect(generation)
    finally:
        if is_on:
            gc.enable()


def _forget(script: Script) -> None:
    """What still runs of the script may hold it."""
    for made in (
        *(script.exports, script.callbacks, script.returned),
        *(script.on_load, script.on_unload, script.on_reload),
        *(script.former, script.removed, script.made),
    ):
        made.clear()
    script.error_hook = None
    for header in script.headers.values():
        for _, made in header:
            made._exported.clear()
            made._classes.clear()
    script.headers.clear()


def _sources_of(native: _core.NativePlugin, script: Script) -> tuple[Sources, str]:
    """What the script consists of, and where it came from."""
    if native.script is not None:
        script.place = native.script
        script.executable = _executable(native.path, "")
        return _read_script(native.script), native.script
    archive = _archive.read(native.archive)
    try:
        read_manifest(archive, script)
    except ValueError:
        raise PluginFormatError(f"{native.path}: is damaged: run `epy build` again") from None
    script.executable = _executable(native.path, archive.text("python", "executable"))
    script.constants.update(archive.constants)
    script.stored_headers = {text: (index, data) for text, index, data in archive.headers}
    editable = archive.text("editable")
    if editable:
        script.place = editable
        script.watched = archive.text("reload") == "yes"
        return _read_script(editable), editable
    script.is_stored = True
    sources = stored_sources(archive, lambda begin, end: _read(native, begin, end))
    if "" not in sources.members:
        raise PluginFormatError(f"{native.path}: holds no script: run `epy build` again")
    return sources, archive.text("source")


def _executable(plugin: str, stamped: str) -> str:
    """Whose packages the plugin finds: what `epy bundle` put beside it, which is laid out as a
    virtual environment, or those of the Python that it was built for, if it is here."""
    sent = f"{os.path.dirname(plugin)}/epy"
    start: Any = sys.modules.get("epy._start")
    if os.path.exists(f"{sent}/packages/pyvenv.cfg"):
        if start is None:
            from ._running import environments

            environments.install()
        return f"{sent}/packages/bin/python"
    if not os.path.exists(stamped) or os.path.exists(f"{sent}/bundle"):
        stamped = ""
    if start is None:  # a host's Python, which knows nothing of it
        if stamped and stamped != sys.executable:
            from ._running import environments

            environments.install()
        return stamped
    return start.executable if start.is_chosen or not stamped else stamped


def stored_sources(archive: Archive, read: Callable[[int, int], bytes]) -> Sources:
    """What the script of a plugin consists of; `read` gives bytes of the archive."""

    def reader(begin: int, end: int) -> Callable[[], bytes]:
        return lambda: read(begin, end)

    members = {name: (filename, source) for name, filename, source in archive.members}
    code = {name: stored for name, magic, stored in archive.code if magic == MAGIC}
    data = {name: reader(begin, end) for name, begin, end in archive.files}
    return Sources(members, archive.text("kind") == "package", data, code)


def read_manifest(archive: Archive, script: Script) -> None:
    for row in archive.rows("plugin"):
        script.name = script.plugin.name = row["name"]
    for row in (*archive.rows("function"), *archive.rows("address")):
        script.loaded[row["name"]] = row["slot"]
        script.declarations_in_c[row["name"]] = row["text"]
    for row in archive.rows("data"):
        script.loaded[row["name"]] = DataEntry(
            row["address"], row["size"], row["layout"], row["slots"]
        )
        script.declarations_in_c[row["name"]] = row["text"]
    for row in archive.rows("version"):
        script.loaded_versions[row["name"]] = row["version"]
    for row in archive.rows("prototype"):
        script.prototypes[row["text"]] = row["name"], row["expression"]


def _read_script(path: str) -> Sources:
    from ._file.sources import read_script  # a plugin that holds its script needs none

    return read_script(path)


def _read(native: _core.NativePlugin, begin: int, end: int) -> bytes:
    """From the plugin's memory, as long as it is there."""
    found = native.read_archive(begin, end)
    if found is None:
        raise UnloadedError(f"{native.path}: holds the file, and has been unloaded")
    return found


def _failure(script: Script, native: _core.NativePlugin, source: str, error: BaseException) -> str:
    if isinstance(error, (BindingsError, UntrustedFileError)):
        return f"epy: {native.path}: {error}\n"
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        f"epy: the plugin {native.path} did not start: its script failed\n"
        f"{format_exception(error)}"
        f"  script: {source}\n"
        f"  Python: {version} ({script.executable or sys.executable})\n"
        f"  sys.path: {os.pathsep.join(sys.path)}\n"
    )


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path.rstrip("/")))[0]
