"""The life of a plugin inside Python: load and unload, called by the core with the GIL held.

Long because what unloads must be there already when there is no memory to import it.
"""

import atexit
import posix
import sys
from _thread import allocate_lock, get_ident, start_new_thread

from . import _archive, _core, _errors, _report
from ._modules import drop_modules, follow_shutdown, run_modules
from ._script import Script, imported, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from typing import Any

    from ._native import Export


class Running(Script):
    """Of a plugin that is loaded. One that is being built: _command/building.py."""

    native: "_core.NativePlugin"

    def __init__(self, name: str, native: "_core.NativePlugin") -> None:
        super().__init__(name, native.path)
        self.native = native
        self.first_at_exit: Callable[[], None] | None = None  # see `put_hooks_first`

    def check_new(self, name: object, version: object = None) -> None:
        super().check_new(name, version)
        if version is not None and self.loaded_versions.get(str(name), "") != version:
            raise _errors.StampError(
                f"'{name}' gets its version {version!r} when the plugin is built: run `epy build`"
            )

    def publish(self, name: str, target: "_core.Callback | int") -> None:
        slot = self.loaded.get(name)
        if slot is not None and not isinstance(slot, int):
            raise _errors.SignatureError(
                f"'{name}' was data when {self.path} was built: run `epy build` again"
            )
        if slot is not None:
            self.publish_slot(slot, target)
        elif self.staged is not None:
            self.staged.names.append(lambda: self._add_name(name, target))
        else:
            self._add_name(name, target)

    def publish_slot(self, slot: int, target: "_core.Callback | int") -> None:
        """Let a slot lead to a target."""
        if self.staged is not None:
            self.staged.slots.append((slot, target))
        else:
            self.native.publish(slot, target)

    def _add_name(self, name: str, target: "_core.Callback | int") -> None:
        slot = self.native.take_slot(name)
        self.native.publish(slot, target)
        self.native.append_function(name, slot)
        self.loaded[name] = slot

    def place_data(self, export: "Export") -> None:
        from ._exports.data import place

        place(self, export)

    def publish_module(self, name: str, share: bool) -> "Any":
        from ._exports.published import join

        return join(self, name, share)

    def next_function(self, name: str) -> int:
        return self.native.next_function(name)


_PATIENCE = 2  # seconds
_process = posix.getpid()  # whose threads `threading` knows
# What the core is told of a start. Ctrl-C is for the host's Python, too; without memory the next
# call tries again.
_FAILED, _READY, _INTERRUPTED, _NO_MEMORY = range(4)
_INFO = 1  # that of `_report`, which a start does without


def load(native: "_core.NativePlugin") -> int:
    """Run a plugin's script, publish its exports, run its on_load hooks. No failed one stays."""
    if native.inside_dlopen:
        from ._loading import reserved

        with reserved():
            return _load(native)
    return _load(native)


def _load(native: "_core.NativePlugin") -> int:
    script = Running(_stem(native.script or native.path), native)
    registry.by_plugin[native] = script
    if _variable("EPY_TRACE") is not None and not _core.has_raised_privileges():
        from ._running.tracing import load_traced

        return load_traced(script, _variable("EPY_TRACE") or "", _load_script)
    return _load_script(script)


def _load_script(script: "Running") -> int:
    outcome = _FAILED
    try:
        outcome = _run(script)
    finally:
        script.plugin.state = "ready" if outcome == _READY else "failed"
        if outcome != _READY:  # and nothing refers to the exception, which leads to the script
            _drop(script)
    return outcome


def _run(script: "Running") -> int:
    source = script.native.script or script.path
    known = atexit._ncallbacks()
    try:
        sources, source = _archive.sources_of(script)
        run_modules(script, sources)
        if script.native.script and not script.offered and not script.bindings:
            raise _errors.ScriptError(f"{source}: exports nothing: mark functions with @epy.export")
        _publish_bindings(script)
        for hook in script.on_load:
            hook()
        _publish_bindings(script)
    except BaseException as error:
        _core.note_error(error, script.path, "the start", _report.format_exception(error), "")
        _report.write_failed_start(script, source, error)
        if _report.is_want_of_memory(error):
            return _NO_MEMORY
        return _INTERRUPTED if _report.is_interrupt(error) else _FAILED
    finally:
        script.native.end_start()
    script.importing = False
    script.callbacks.clear()
    put_hooks_first(script, known)
    if "threading" in sys.modules:
        follow_shutdown(sys.modules["threading"])
    if _core.is_logged(_INFO):
        from ._running.log import say_started

        say_started(script, source)
    if script.watched:
        from ._running.watching import watch

        watch(script, sources)
    return _READY


def unload(native: "_core.NativePlugin") -> None:
    """Run a plugin's on_unload hooks and drop everything that its script made."""
    script = registry.by_plugin.get(native)
    if script is not None:
        # A reload sees that the plugin is gone, and undoes what it has done.
        waited = _acquire(script.reloading, script, "a reload")
        try:
            run_unload_hooks(script)
        finally:
            _drop(script)
            script.plugin.state = "unloaded"
            _end_reports()
            if _core.is_logged(_INFO):
                _report.write(f"epy: {script.path}: unloaded", level=_INFO)
            if waited:
                script.reloading.release()


def _acquire(lock: "LockType", script: "Running", what: str) -> bool:
    """As `_report.acquire`, a module that an end which waits for nobody does not run."""
    return lock.acquire(blocking=False) or _report.acquire(lock, _PATIENCE, script.path, what)


def at_exit() -> None:
    """The process exits: run every plugin's on_unload hooks. Calls after it are still served."""
    for script in list(reversed(registry.by_plugin.values())):
        run_unload_hooks(script)
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
        try:
            _wait_for_threads()
        finally:
            atexit._run_exitfuncs()


def _wait_for_threads() -> None:
    """What thread pools have left to do, and threads that are no daemons: for a while.

    Hooks have told them to end. The exiting thread may be one of them. A child forked beside an
    interpreter with a lock of its own has none of them, and is not told so.
    """
    threading = imported("threading")
    if threading is None or _process != posix.getpid():
        return
    exiting = get_ident()
    pools = list(reversed(threading._threading_atexits))

    def left() -> "list[Any]":
        main = threading.main_thread()
        known = [one for one in threading.enumerate() if not one.daemon and one is not main]
        return [one for one in known if one.ident != exiting]

    def wait() -> None:
        try:
            for finish in pools:
                finish()
            for one in left():
                one.join()
        finally:
            done.release()

    if not pools and not left():
        return
    done = allocate_lock()
    done.acquire()
    try:
        start_new_thread(wait, ())
    except (RuntimeError, MemoryError):
        return  # without memory for a thread
    if not done.acquire(timeout=_PATIENCE):
        names = ", ".join(one.name for one in left()) or "of a pool"
        _report.write(
            f"epy: exit: has waited {_PATIENCE} s for threads of Python's ({names}), which end "
            "with the process: let on_unload end them"
        )


def join_threads() -> None:
    """An interpreter of a plugin's own ends: that its script's threads end is waited for."""
    threading = imported("threading")
    if threading is not None:
        threading._shutdown()


def follow_end() -> None:
    """When Python is finalized: on_unload hooks that have not run yet, then no calls."""
    register, _ = _exit_functions()
    register(_core.end_of_calls)
    register(at_exit)


def put_hooks_first(script: "Running", known: int) -> None:
    """When Python is finalized, a script's hooks run before exit functions that it has registered.

    Those run in reverse order. `known`: how many there were before the script ran; mostly it
    registers none, and `at_exit` will do. Of those that it registers in calls see `_exit`.
    """
    if atexit._ncallbacks() == known:
        return
    register, _ = _exit_functions()
    _put_hooks_last(script)
    script.first_at_exit = register(lambda: run_unload_hooks(script))


def _put_hooks_last(script: "Running") -> None:
    _, unregister = _exit_functions()
    if script.first_at_exit is not None:
        unregister(script.first_at_exit)
        script.first_at_exit = None


def _exit_functions() -> "Any":
    """Python's own `register` and `unregister`, whose functions run in children, too."""
    start = imported("epy._start")
    if start is None:
        return atexit.register, atexit.unregister
    return start.register_exit, start.unregister_exit


def _follow_fork() -> None:
    """In a forked child: what another thread has held nobody gives back."""
    global _process
    _process = posix.getpid()
    for script in list(registry.by_plugin.values()):
        script.unloading = allocate_lock()
        script.reloading = allocate_lock()


posix.register_at_fork(after_in_child=_follow_fork)


def run_unload_hooks(script: "Running") -> None:
    """In reverse order, each once, whatever the others raise.

    Another thread may be running them: the process exits just after dlclose, or the other way
    round. Then its hooks are waited for, a while.
    """
    lock = script.unloading
    taken = _acquire(lock, script, "an on_unload hook")
    try:
        while script.on_unload:
            mark, hook = script.on_unload.pop()
            if _core.take_to_run(mark):
                _run_last(script, "on_unload", hook)
    finally:
        if taken:
            lock.release()
        else:
            script.unloading = allocate_lock()  # nobody waits for that one again


def _run_last(script: "Running", kind: str, hook: "Callable[[], object]", name: str = "") -> None:
    try:
        hook()
    except BaseException as error:
        name = name or getattr(hook, "__name__", "?")
        line = f"epy: exception in {kind} '{name}' of {script.path}:"
        _report.write(line, script.path, _report.format_exception(error))


def _run_exit_functions(script: "Running", left: list[object]) -> None:
    if script.exit_functions:
        from . import _exit

        for one in _exit.take(script):
            left.append(one.function)
            name = getattr(one.function, "__name__", "?")
            if _core.take_to_run(one.mark):
                _run_last(script, "the exit function", one.run, name)


def _drop(script: "Running") -> None:
    """Each step, whatever the others raise: memory may run out. Then it is tried once more."""
    left: list[object] = [script]
    for step in _STEPS:
        try:
            _try_twice(step, script, left)
        except BaseException as error:
            line = f"epy: {script.path}: something of its script stays:"
            _report.write(line, script.path, _report.format_exception(error))


def _publish_bindings(script: "Running") -> None:
    if script.bindings:
        from ._exports import bindings

        bindings.publish(script)


def _withdraw_bindings(script: "Running") -> list[object]:
    if not script.bindings:
        return []
    from ._exports import bindings

    return bindings.withdraw(script)


def _forget_types(script: "Running", modules: list[object]) -> list[object]:
    if not script.module or "ctypes" not in sys.modules:
        return []
    from ._types import forget_types

    return forget_types(script.module, modules)


def _try_twice(step: "Callable[..., object]", script: "Running", left: list[object]) -> None:
    try:
        step(script, left)
    except MemoryError:
        step(script, left)


def _give_signals_back(script: "Running") -> list[object]:
    signals = imported("epy._running.signals")
    dropped: list[object] = signals.give_back(script) if signals else []
    return dropped


def _collect(script: "Running", left: list[object]) -> None:
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


def _forget(script: "Running") -> None:
    """What still runs of the script may hold it."""
    known = vars(script)
    for name in _FORGOTTEN:
        if name in known:  # by now
            known[name].clear()
    script.error_hook = None
    for header in script.headers.values():
        for _, made in header:
            made._exported.clear()
            made._classes.clear()
    script.headers.clear()


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


_FORGOTTEN = (
    *("offered", "callbacks", "returned", "on_load", "on_unload", "on_reload"),
    *("former", "removed", "made"),
)

# What `_drop` does, in this order. Made once: there may be no memory for it when it is needed.
_STEPS: "tuple[Callable[[Running, list[object]], object], ...]" = (
    lambda script, left: _run_exit_functions(script, left),
    lambda script, left: _put_hooks_last(script),
    lambda script, left: registry.by_plugin.pop(script.native, None),
    lambda script, left: left.extend(_withdraw_bindings(script)),
    lambda script, left: left.extend(_core.take_from_host(script.native)),
    lambda script, left: left.extend(_give_signals_back(script)),
    lambda script, left: left.extend(drop_modules(script.module)),
    lambda script, left: left.extend(_forget_types(script, left)),
    lambda script, left: _collect(script, left),
)
