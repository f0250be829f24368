"""The life of a plugin inside Python: load and unload, called by the core with the GIL held.

Long because what unloads must be there already when there is no memory to import it.
"""

import atexit
import posix
import sys
from _thread import allocate_lock

from . import _archive, _core, _errors, _report
from ._modules import MAGIC, Sources, drop_modules, run_modules
from ._script import Script, imported, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._archive import Archive

    Step = Callable[["_core.NativePlugin", "Script", list[object]], object]

_PATIENCE = 2  # seconds
_INFO = 1  # that of `_report`, which a start does without


def load(native: "_core.NativePlugin") -> bool | None:
    """Run a plugin's script, publish what it exports, run its on_load hooks.

    If anything fails, the reason is printed once, nothing of the script stays, and the result is
    False; None if it was Ctrl-C, which the host's Python shall see too.
    """
    if native.inside_dlopen:
        from ._loading import reserved

        with reserved():
            return _load(native)
    return _load(native)


def _load(native: "_core.NativePlugin") -> bool | None:
    script = Script(_stem(native.script or native.path), native.path, native=native)
    registry.by_plugin[native] = script
    if _variable("EPY_TRACE") is not None and not _core.has_raised_privileges():
        return _load_traced(native, script)
    return _load_script(native, script)


def _load_traced(native: "_core.NativePlugin", script: "Script") -> bool | None:
    from time import perf_counter_ns

    from ._running import tracing

    begin, path = perf_counter_ns(), _variable("EPY_TRACE") or ""
    try:
        trace = tracing.follow(script, path)
    except OSError as error:
        _report.write(
            f"epy: EPY_TRACE={path}: {error.strerror}: calls are not traced; name another file\n"
        )
        return _load_script(native, script)
    try:
        return _load_script(native, script)
    finally:
        trace.started(script.path, begin, script.plugin.state)


def _load_script(native: "_core.NativePlugin", script: "Script") -> bool | None:
    outcome: bool | None = False
    try:
        outcome = _run(native, script)
    finally:
        script.plugin.state = "ready" if outcome else "failed"
        if not outcome:  # and nothing refers to the exception any more, which leads to the script
            _drop(native, script)
    return outcome


def _run(native: "_core.NativePlugin", script: "Script") -> bool | None:
    source = native.script or native.path
    try:
        sources, source = _sources_of(native, script)
        run_modules(script, sources)
        if not script.exports and not script.bindings:
            raise _errors.ScriptError(f"{source}: exports nothing: mark functions with @epy.export")
        _publish_bindings(script)
        for hook in script.on_load:
            hook()
        _publish_bindings(script)
    except BaseException as error:
        _core.note_error(error, native.path, "the start", _report.format_exception(error), "")
        _report.write(_failure(script, native, source, error), native.path, is_error=True)
        return None if _report.is_interrupt(error) else False
    script.importing = False
    script.callbacks.clear()
    if _core.is_logged(_INFO):
        _say_started(script, source)
    if script.watched:
        from ._running.watching import watch

        watch(script, sources)
    return True


def _say_started(script: "Script", source: str) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    python = f"Python {version} ({script.executable or sys.executable})"
    count = f"{len(script.exports)} export{'' if len(script.exports) == 1 else 's'}"
    _report.write(
        f"epy: {script.path}: started: {count}, script {source}, {python}\n", level=_report.INFO
    )
    for name, export in script.exports.items():
        _report.write(f"epy: {script.path}: exports {export.kind} '{name}'\n", level=_report.DEBUG)


def unload(native: "_core.NativePlugin") -> None:
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
            _report.write(f"epy: {script.path}: unloaded\n", level=_report.INFO)
            if waited:
                script.reloading.release()


def at_exit() -> None:
    """The process exits: run every plugin's on_unload hooks. Calls after it are still served."""
    for script in list(reversed(registry.by_plugin.values())):
        _run_unload_hooks(script)
    data = imported("epy._exports.data")
    if data is not None:
        data.leave_to_hosts()
    _end_reports()


def _end_reports() -> None:
    folding = imported("epy._running.folding")
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


posix.register_at_fork(after_in_child=_forget_hooks)


def _run_unload_hooks(script: "Script") -> None:
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


def _run_last(script: "Script", kind: str, hook: "Callable[[], object]", name: str = "") -> None:
    try:
        hook()
    except BaseException as error:
        name = name or getattr(hook, "__name__", "?")
        header = f"epy: exception in {kind} '{name}' of {script.path}:\n"
        _report.write(header + _report.format_exception(error), script.path)


def _run_exit_functions(script: "Script", left: list[object]) -> None:
    if script.exit_functions:
        from . import _exit

        for one in _exit.take(script):
            left.append(one.function)
            name = getattr(one.function, "__name__", "?")
            _run_last(script, "the exit function", one, name)


def _drop(native: "_core.NativePlugin", script: "Script") -> None:
    """Each step, whatever the others raise: memory may run out. Then it is tried once more."""
    left: list[object] = [script]
    for step in _STEPS:
        try:
            _try_twice(step, native, script, left)
        except BaseException as error:
            header = f"epy: {script.path}: something of its script stays:\n"
            _report.write(header + _report.format_exception(error), script.path)


def _publish_bindings(script: "Script") -> None:
    if script.bindings:
        from ._exports import bindings

        bindings.publish(script)


def _withdraw_bindings(script: "Script") -> list[object]:
    if not script.bindings:
        return []
    from ._exports import bindings

    return bindings.withdraw(script)


def _forget_types(script: "Script") -> list[object]:
    if not script.module or "ctypes" not in sys.modules:
        return []
    from ._types import forget_types

    return forget_types(script.module)


def _try_twice(
    step: "Step", native: "_core.NativePlugin", script: "Script", left: list[object]
) -> None:
    try:
        step(native, script, left)
    except MemoryError:
        step(native, script, left)


def _give_signals_back(script: "Script") -> list[object]:
    signals = imported("epy._running.signals")
    dropped: list[object] = signals.give_back(script) if signals else []
    return dropped


def _collect(script: "Script", left: list[object]) -> None:
    """Free what a script has left: its functions, classes and modules refer to each other."""
    import gc

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


def _forget(script: "Script") -> None:
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


def _sources_of(native: "_core.NativePlugin", script: "Script") -> "tuple[Sources, str]":
    """What the script consists of, and where it came from."""
    if native.script is not None:
        script.place = native.script
        script.executable = _executable(native.path, "")
        return _read_script(native.script), native.script
    archive = _archive.read(native.archive)
    try:
        read_manifest(archive, script)
    except ValueError:
        raise _errors.PluginFormatError(
            f"{native.path}: is damaged: run `epy build` again"
        ) from None
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
        raise _errors.PluginFormatError(f"{native.path}: holds no script: run `epy build` again")
    return sources, archive.text("source")


def _executable(plugin: str, stamped: str) -> str:
    """Whose packages the plugin finds: what `epy bundle` put beside it, which is laid out as a
    virtual environment, or those of the Python that it was built for, if it is here."""
    sent = f"{plugin.rpartition('/')[0]}/epy"
    start: Any = sys.modules.get("epy._start")
    if _exists(f"{sent}/packages/pyvenv.cfg"):
        if start is None:
            from ._running import environments

            environments.install()
        return f"{sent}/packages/bin/python"
    if not _exists(stamped) or _exists(f"{sent}/bundle"):
        stamped = ""
    if start is None:  # a host's Python, which knows nothing of it
        if stamped and stamped != sys.executable:
            from ._running import environments

            environments.install()
        return stamped
    return start.executable if start.is_chosen or not stamped else stamped


def stored_sources(archive: "Archive", read: "Callable[[int, int], bytes]") -> "Sources":
    """What the script of a plugin consists of; `read` gives bytes of the archive."""

    def reader(begin: int, end: int) -> "Callable[[], bytes]":
        return lambda: read(begin, end)

    members = {name: (filename, source) for name, filename, source in archive.members}
    code = {name: stored for name, magic, stored in archive.code if magic == MAGIC}
    data = {name: reader(begin, end) for name, begin, end in archive.files}
    return Sources(members, archive.text("kind") == "package", data, code)


def read_manifest(archive: "Archive", script: "Script") -> None:
    for row in archive.rows("plugin"):
        script.name = script.plugin.name = row["name"]
    for name, slot, _, text, _ in archive.manifest.get("function", ()):  # there may be thousands
        script.loaded[name] = int(slot)
        script.declarations_in_c[name] = text
    for row in archive.rows("address"):
        script.loaded[row["name"]] = row["slot"]
        script.declarations_in_c[row["name"]] = row["text"]
    for row in archive.rows("data"):
        from ._parts import DataEntry

        script.loaded[row["name"]] = DataEntry(
            row["address"], row["size"], row["layout"], row["slots"]
        )
        script.declarations_in_c[row["name"]] = row["text"]
    for row in archive.rows("version"):
        script.loaded_versions[row["name"]] = row["version"]
    for row in archive.rows("prototype"):
        script.prototypes[row["text"]] = row["name"], row["expression"]
    for text, name, codes in archive.manifest.get("plain", ()):
        script.plain[text] = name, codes


def _read_script(path: str) -> "Sources":
    from ._file.sources import read_script  # a plugin that holds its script needs none

    return read_script(path)


def _read(native: "_core.NativePlugin", begin: int, end: int) -> bytes:
    """From the plugin's memory, as long as it is there."""
    found = native.read_archive(begin, end)
    if found is None:
        raise _errors.UnloadedError(f"{native.path}: holds the file, and has been unloaded")
    return found


def _failure(
    script: "Script", native: "_core.NativePlugin", source: str, error: BaseException
) -> str:
    if isinstance(error, (_errors.BindingsError, _errors.UntrustedFileError)):
        return f"epy: {native.path}: {error}\n"
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        f"epy: the plugin {native.path} did not start: its script failed\n"
        f"{_report.format_exception(error)}"
        f"  script: {source}\n"
        f"  Python: {version} ({script.executable or sys.executable})\n"
        f"  sys.path: {':'.join(sys.path)}\n"
    )


def _exists(path: str) -> bool:
    try:
        posix.stat(path)
    except (OSError, ValueError):
        return False
    return True


def _variable(name: str) -> "str | None":
    """Of the environment, as `os` has it: nobody has changed it while that is not imported."""
    known = imported("os")
    if known is not None:
        return known.environ.get(name)  # type: ignore[no-any-return]
    value = posix.environ.get(name.encode())
    return None if value is None else value.decode("utf-8", "surrogateescape")


def _stem(path: str) -> str:
    name = path.rstrip("/").rpartition("/")[2]
    stem, _, _ = name.rpartition(".")
    return stem if stem.strip(".") else name


# What `_drop` does, in this order. Made once: there may be no memory for it when it is needed.
_STEPS: "tuple[Step, ...]" = (
    lambda native, script, left: _run_exit_functions(script, left),
    lambda native, script, left: registry.by_plugin.pop(native, None),
    lambda native, script, left: left.extend(_withdraw_bindings(script)),
    lambda native, script, left: left.extend(_core.take_from_host(native)),
    lambda native, script, left: left.extend(_give_signals_back(script)),
    lambda native, script, left: left.extend(drop_modules(script.module)),
    lambda native, script, left: left.extend(_forget_types(script)),
    lambda native, script, left: _collect(script, left),
)
