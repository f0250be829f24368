"""What one script defines, and which script the running code belongs to.

Long because a module costs a start more than its lines.
"""

import sys
from _thread import allocate_lock

from . import _core, _errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypeVar

    from ._native import Export
    from ._running.tracing import Trace

    Hook = TypeVar("Hook", bound=Callable[[], object])
    ReloadHook = TypeVar("ReloadHook", bound=Callable[[Any], object])
    from ._parts import DataEntry, HeaderOptions, Staged
    from ._plugin import Running

    State = Literal["building", "starting", "ready", "failed", "unloaded"]


class Plugin:
    """The plugin that a script runs in: what `epy.plugin` gives.

    `path` is that of the file that the host loaded, symbolic links resolved, whatever folder the
    process is in by now. The script's module is named after it, so that a pickle finds the script's
    classes in the next run too, as long as the file keeps its place.

    While `epy build` imports the script it is a stand-in: `path` is the script's, `state` is
    "building".
    """

    __slots__ = ("name", "path", "state")

    def __init__(self, name: str, path: str, state: "State") -> None:
        self.name = name
        self.path = path
        self.state: State = state

    @property
    def folder(self) -> str:
        """The folder that holds the plugin's file."""
        return self.path.rpartition("/")[0] or "/"

    def __repr__(self) -> str:
        return f"<epy.Plugin {self.path!r} ({self.state})>"


class Script:
    """What one script defines, filled by the decorators while it is imported.

    What its plugin does about it, the kinds below say. This one has no plugin: a child process
    imports its modules.
    """

    native: "_core.NativePlugin | None" = None
    building = False
    compiles = True  # what asks for machine code
    reads_on = False  # more C text may follow at once: the process that reads it waits for that
    header_options: "HeaderOptions | None" = None
    words: "frozenset[str] | None" = None  # all that may be asked for of headers; None: anything

    is_stored = False  # in a plugin, with all that its C text stands for
    module = ""  # its private name in sys.modules
    executable = ""  # of the Python whose packages it finds
    kept: "_core.Kept | None" = None  # for memory that Python does not own
    unread: "dict[str, bytes] | None" = None  # see the properties below
    # Of a script that is read from its place: see `_running.reloading`.
    place: str | None = None
    watched = False
    trace: "Trace | None" = None  # where its calls are noted, if they are

    if TYPE_CHECKING:  # see `_MADE_LATER`
        # What callables became that were returned for function pointers: see `returned_callback`.
        returned: dict[Any, Any]
        # C prototype -> (name, Python expression of the ctypes function type). Filled at build and
        # stored in the plugin, so that a running plugin needs no parser.
        prototypes: dict[str, tuple[str, str]]
        # Marshalled, by module and name of the function. Filled at build and stored in the plugin.
        constants: dict[str, bytes]
        # What the script's headers declare, by `epy.header`'s arguments: read at build, stored in
        # the plugin. And the objects made of it, with the arguments that do not matter to reading.
        declarations: dict[str, Any]
        stored_headers: dict[str, tuple[bytes, bytes]]  # for `_core.StoredHeader`
        # See the properties below.
        names: dict[str, int | DataEntry]
        texts: dict[str, str]
        plain_prototypes: dict[str, tuple[str, str]]
        loaded_versions: dict[str, str]
        removed: dict[str, _core.Callback]  # exports that were, by name
    else:

        def __getattr__(self, name):
            if name not in _MADE_LATER:
                raise AttributeError(f"a {type(self).__name__} has no {name!r}", name=name)
            return self.__dict__.setdefault(name, {})  # threads may be here at once

    def __init__(self, name: str, path: str, state: "State" = "starting") -> None:
        self.name = name
        self.path = path
        self.plugin = Plugin(name, path, state)
        self.importing = True
        # In order of definition, see `exports`; how many of them have been looked at there.
        self.offered: dict[str, Any] = {}
        self.settled = 0
        # The objects made by `epy.callback`, held until the import is over: until then data may
        # refer to one by its bare address.
        self.callbacks: list[Any] = []
        self.headers: dict[str, list[Any]] = {}
        self.on_load: list[Callable[[], object]] = []
        # With marks: a host may fork, see `_core.take_to_run`.
        self.on_unload: list[tuple[int, Callable[[], object]]] = []
        self.on_reload: list[Callable[[Any], object]] = []
        self.bindings: list[Any] = []  # `epy.Bindings` that it publishes
        self.exit_functions: list[Any] = []  # in a Python that epy started: see `_exit`
        self.unloading = allocate_lock()  # held while these run
        # See `_running.reloading`.
        self.made: dict[Any, None] = {}  # its callbacks, as far as they live
        self.staged: Staged | None = None  # while it runs again
        self.former: list[Any] = []  # of former runs: what C may hold
        self.reloading = allocate_lock()
        self.error_hook: Any = None  # `epy.error_hook` as this script has set it, in a tuple

    @property
    def exports(self) -> "dict[str, Export]":
        """What it exports. Of most of a start the core keeps the callback alone."""
        if len(self.offered) != self.settled:
            from ._native import Export

            for name in list(self.offered)[self.settled :]:
                made = self.offered[name]
                if isinstance(made, _core.Callback):
                    codes = "".join(map(str, made.types))
                    self.offered[name] = Export(name, "function", None, codes=codes, callback=made)
            self.settled = len(self.offered)
        return self.offered

    @exports.setter
    def exports(self, exports: "dict[str, Export]") -> None:
        self.offered, self.settled = exports, len(exports)

    @property
    def loaded(self) -> "dict[str, int | DataEntry]":
        """The names in the plugin's file: the slot of a function, the place of data."""
        self._read_names()
        return self.names

    @property
    def declarations_in_c(self) -> dict[str, str]:
        """Of exports, by name."""
        self._read_names()
        return self.texts

    @property
    def plain(self) -> dict[str, tuple[str, str]]:
        """As `prototypes`, for plain types of C: C prototype -> (name, codes).

        In a running plugin alone.
        """
        self._read_names()
        return self.plain_prototypes

    def _read_names(self) -> None:
        """There may be thousands, and most starts need none: see core/plugin/plain_exports.h."""
        many = self.unread
        if many is None:
            return
        from ._archive import columns

        known = columns(many, "function")
        self.names.update(zip(known["name"], map(int, known["slot"]), strict=True))
        self.texts.update(zip(known["name"], known["text"], strict=True))
        plain = columns(many, "plain")
        named = zip(plain["name"], plain["codes"], strict=True)
        self.plain_prototypes.update(zip(plain["text"], named, strict=True))
        self.unread = None

    # What it keeps

    def keep(self, known: "dict[Any, Any]", key: "Any", value: "Any") -> None:
        """Remember what was made, in one of its own dictionaries."""
        known[key] = value

    def add(self, known: "list[Any]", value: "Any") -> None:
        """The same in a list."""
        known.append(value)

    def hold(self, native: "Any") -> None:
        """Until the import is over."""
        if self.importing:
            self.callbacks.append(native)

    def check_new(self, name: object, version: object = None) -> None:
        """ExportNameError unless `name` can be exported, with this version, and is not yet."""
        if not isinstance(name, str) or not name or "\0" in name or name == "<lambda>":
            raise _errors.ExportNameError(
                f"{name!r} is no name for an export: it must be a non-empty str without NUL; "
                "pass name="
            )
        try:
            name.encode()
        except UnicodeEncodeError:
            raise _errors.ExportNameError(
                f"{name!r} is no name for an export: it is not UTF-8"
            ) from None
        if name in self.offered:
            raise _errors.ExportNameError(f"'{name}' is exported twice: rename one, or pass name=")
        is_text = isinstance(version, str) and version.isascii()
        if version is not None and (not is_text or not version or "\0" in str(version)):
            raise _errors.ExportNameError(
                f"{version!r} is no version for '{name}': it must be an ASCII str without NUL"
            )

    # What its plugin does

    def describe(self, declare: "Callable[[], str]") -> str:
        """The C declaration that people are shown: when the plugin is built."""
        return ""

    def publish(self, name: str, target: "_core.Callback | int") -> None:
        """Let a name of the plugin lead to a target."""

    def place_data(self, export: "Export") -> None:
        """Put data where the host finds it."""

    def publish_module(self, name: str, share: bool) -> "Any":
        """The module of `epy.Bindings`; None where nothing is published."""
        return None

    def constant(self, name: str, function: "Callable[[], Any]") -> "Any":
        """The value that is stored, else what the function returns."""
        from marshal import loads

        stored = self.constants.get(name)
        return function() if stored is None else loads(stored)

    def next_function(self, name: str) -> int:
        """The address of the next definition of a name in the process; 0 if there is none."""
        from ._exports.addresses import of_process

        return of_process(name)


_MADE_LATER = {
    *("constants", "declarations", "loaded_versions", "names", "plain_prototypes", "prototypes"),
    *("removed", "returned", "stored_headers", "texts"),
}
"""Dictionaries of a script, which few have anything in: each is made when it is asked for."""

namespace: "Any" = type(sys.implementation)
"""What there is once in a process, finders too: a class would cost a start 80,000 instructions."""

# The scripts of this process: one for each loaded plugin, and the one being built.
if TYPE_CHECKING:

    class _Registry:
        by_plugin: dict[_core.NativePlugin | None, Running]
        building: Script | None
        error_hook: Any  # as code that is no plugin's has set it, in a tuple

    registry: _Registry
else:
    registry = namespace(by_plugin={}, building=None, error_hook=None)


def imported(name: str) -> "Any":
    """A module as it is in sys.modules; None also while another thread is in the midst of it."""
    module = sys.modules.get(name)
    is_half = getattr(getattr(module, "__spec__", None), "_initializing", False)
    return None if is_half else module


def script_of(native: "_core.NativePlugin | None") -> Script:
    """The script of a plugin; `nowhere()` for none, and for one that is gone."""
    return registry.by_plugin.get(native) or nowhere()


def nowhere() -> Script:
    """The script of code that no plugin's script has."""
    from ._running.nowhere import NOWHERE  # few starts need it

    return NOWHERE


def find_script() -> Script:
    """The script that the running code belongs to; `nowhere()` if there is none.

    A callback belongs to its plugin; otherwise `epy build` imports one; otherwise (a thread that a
    script has started) the nearest frame of a script's module decides.
    """
    native = _core.current_plugin()
    if native is not None:
        return script_of(native)
    if registry.building is not None:
        return registry.building
    frame = sys._getframe(1)
    while frame is not None:
        script = getattr(frame.f_globals.get("__loader__"), "script", None)
        if isinstance(script, Script):
            return script
        frame = frame.f_back  # type: ignore[assignment]
    return nowhere()


def current_script() -> Script:
    """Like `find_script`, but it is an error if there is none."""
    script = find_script()
    if script is nowhere():
        raise _errors.Error(
            "no plugin's script runs here: build the script with `epy build` and load it"
        )
    return script


def on_load(function: "Hook") -> "Hook":
    """Decorator: call `function()` once the plugin's script has run, before the host's first call.

    An exception that it raises is a failed start. `epy build` does not call it, so host symbols can
    be looked up here. Outside a plugin it does nothing.
    """
    script = find_script()
    script.add(script.on_load, _hook("on_load", function))
    return function


def on_reload(function: "ReloadHook") -> "ReloadHook":
    """Decorator: call `function(old)` when the script has run again (`epy.reload`).

    `old` is the script's module as it was: take over what shall stay, `cache.update(old.cache)`.
    It runs before the host reaches the new code; an exception that it raises is a failed reload,
    and the old code stays. A reload calls neither `on_unload` of the old code nor `on_load` of the
    new. Outside a plugin it does nothing.
    """
    script = find_script()
    script.add(script.on_reload, _hook("on_reload", function))
    return function


def on_unload(function: "Hook") -> "Hook":
    """Decorator: call `function()` when the host unloads the plugin or exits.

    Functions that the script has registered with `atexit` run after them. In a host's Python they
    run when that exits, also after the plugin is gone; those registered in a call, not by the
    start, run before hooks there, if the plugin is still loaded.

    Where a host ends its Python, that waits for threads that are no daemons. Hooks of a plugin that
    has started such threads, or timers, run before: they can tell them to end.

    Hooks run in reverse order, in a thread of epy's, while the dynamic loader's lock is held: they
    must not import modules or look symbols up. dlclose waits for them, at most 2 s; it does not if
    its thread holds the interpreter's lock, as in `_ctypes.dlclose`: they run just after it then.
    In a host that forks they run once: here, or in a child that goes on when this process has
    ended without it (`daemon(3)`). Outside a plugin it does nothing.
    """
    script = find_script()
    script.add(script.on_unload, (_core.mark_to_run(), _hook("on_unload", function)))
    return function


def _hook(name: str, function: "Any") -> "Any":
    if not callable(function):
        raise _errors.wrong_argument(name, "function", function, "a function")
    return function
