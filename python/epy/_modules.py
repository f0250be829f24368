"""A script's modules: found in memory, run under a private name.

Every plugin's modules live below a name of their own in sys.modules ("synth@9c0e6a51d27f83b4",
"synth@9c0e6a51d27f83b4.util"), so that modules of the same name do not meet. The number stands for
the path of the plugin's file: a pickle finds its classes again in another run, in whatever order
plugins are loaded, as long as the file has its place. In their code the public names stand for
them: a package's own, or those of the modules beside a script of one file.

Long because a module costs a start more than its lines.
"""

import _imp
import builtins
import marshal
import sys
from _frozen_importlib import ModuleSpec, _ModuleLockManager  # type: ignore[attr-defined]
from _frozen_importlib_external import MAGIC_NUMBER

from ._script import Script, namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import CodeType, ModuleType
    from typing import Any

    Members = dict[str, tuple[str, bytes]]
    Data = dict[str, Callable[[], bytes]]

MAGIC = MAGIC_NUMBER.hex()
"""Of this Python's bytecode."""


def _private_name(script: "Script") -> str:
    number = _imp.source_hash(
        0, script.path.encode(sys.getfilesystemencoding(), "surrogateescape")
    ).hex()
    name = first = f"{script.name.replace('.', '_')}@{number}"
    # Another file was loaded from that place before, and is still here.
    count = 1
    while name in finder.loaders:
        count += 1
        name = f"{first}-{count}"
    return name


class Sources:
    """What a script consists of."""

    __slots__ = ("code", "data", "members", "package")

    def __init__(
        self,
        members: "Members",
        package: bool = False,
        data: "Data | None" = None,
        code: "Mapping[str, bytes] | None" = None,
    ) -> None:
        self.members = members  # (file name, source) by dotted name; "" is the script itself
        self.package = package
        self.data = data or {}  # what reads a data file, by its path below the package
        self.code = code or {}  # marshalled, of some members


class _Loader:
    """Loads the modules of one script from memory.

    They are named `root` and below. `path` is of the file that they come from; `script` is None
    where no host is: see _running/importing.py.
    """

    def __init__(
        self, root: str, name: str, path: str, sources: "Sources", script: "Script | None"
    ) -> None:
        self.script = script
        self.root = root
        self.path = path
        self.members = sources.members
        self.package = sources.package
        self.data = sources.data
        self.has_rivals = False  # another plugin's packages may be there
        self.code = sources.code
        # The first names that stand for private ones.
        self.public = (
            {name}
            if sources.package
            else {name.partition(".")[0] for name in sources.members if name}
        )

    def find(self, fullname: str) -> "ModuleSpec | None":
        key = fullname[len(self.root) + 1 :]
        has_more = (
            any(name.startswith(f"{key}.") for name in self.members)
            if key
            else self.members.keys() != {""}
        )
        if key not in self.members and not has_more:
            return None
        loader: Any = self  # typeshed wants more of a loader than Python does
        if key not in self.members:  # a folder without __init__.py is a namespace package
            spec = ModuleSpec(fullname, loader, is_package=True)
        else:
            filename = self.members[key][0]
            is_package = filename.endswith("/__init__.py") if self.package or key else has_more
            spec = ModuleSpec(fullname, loader, origin=filename, is_package=is_package)
            spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(finder.place(self, fullname))
        return spec

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        return None

    def exec_module(self, module: "ModuleType") -> None:
        if self.script is not None:
            finder.executables.add(self.script.executable)
            self.has_rivals = len(finder.executables) > 1
        if self.public or self.has_rivals:
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self.import_}
        code = self.get_code(module.__name__)
        if code is not None:
            exec(code, module.__dict__)

    def import_(
        self,
        name: str,
        globals: "Mapping[str, object] | None" = None,
        locals: "Mapping[str, object] | None" = None,
        fromlist: "Sequence[str] | None" = (),
        level: int = 0,
    ) -> "ModuleType":
        """`__import__` of the script's modules: there public names are the private ones."""
        first = name.partition(".")[0]
        if level != 0 or first not in self.public:
            found = builtins.__import__(name, globals, locals, fromlist or (), level)
            if self.has_rivals and level == 0 and self.script is not None:
                from ._running import environments

                environments.look_at(self.script, first)
            return found
        private = self.root if self.package else f"{self.root}.{first}"
        module = builtins.__import__(
            private + name[len(first) :], globals, locals, fromlist or (), 0
        )
        return module if fromlist else sys.modules[private]

    def get_code(self, fullname: str) -> "CodeType | None":
        key = fullname[len(self.root) + 1 :]
        if key not in self.members:
            return None  # a namespace package
        if key in self.code:
            stored: CodeType = marshal.loads(self.code[key])
            return stored
        filename, source = self.members[key]
        code: CodeType = compile(source, filename, "exec", dont_inherit=True)
        return code

    def get_source(self, fullname: str) -> str:
        """For tracebacks."""
        from _frozen_importlib_external import decode_source

        key = fullname[len(self.root) + 1 :]
        return decode_source(self.members[key][1]) if key in self.members else ""

    def stored_lines(self, fullname: str) -> list[str]:
        return self.get_source(fullname).splitlines(keepends=True)

    def is_package(self, fullname: str) -> bool:
        spec = self.find(fullname)
        return spec is not None and spec.submodule_search_locations is not None

    def get_data(self, path: str) -> bytes:
        """For `pkgutil.get_data`, which asks for a path below the package's folder."""
        from ._running.resources import read_beside

        return read_beside(self, path)

    def get_resource_reader(self, fullname: str) -> object:
        """For `importlib.resources`."""
        from ._running.resources import Reader

        return Reader(self, fullname[len(self.root) + 1 :])


# What finds the modules of every script, on sys.meta_path.


def _place(loader: "_Loader", fullname: str) -> str:
    """The `__path__` of a package: no folder, but `pkgutil` can list what is in it."""
    if not finder.places:
        sys.path_hooks.insert(0, finder.entry)
    place = f"{loader.path}/{fullname.replace('.', '/')}"
    finder.places[place] = loader, fullname
    return place


def _entry(place: str) -> "Any":
    """On sys.path_hooks."""
    if place not in finder.places:
        raise ImportError(place)
    from ._running.resources import Entry

    return Entry(*finder.places[place])


def _forget(root: str) -> "_Loader | None":
    loader: _Loader | None = finder.loaders.pop(root, None)
    # A traceback showed them. Another thread may be importing the module.
    lines = getattr(sys.modules.get("linecache"), "cache", None)
    if loader and lines:
        for filename, _ in loader.members.values():
            lines.pop(filename, None)
    for place in [place for place, (loader, _) in finder.places.items() if loader.root == root]:
        del finder.places[place]
        sys.path_importer_cache.pop(place, None)
        if not finder.places:
            sys.path_hooks.remove(finder.entry)
    return loader


def _find_spec(fullname: str, path: object = None, target: object = None) -> "ModuleSpec | None":
    if fullname in _FOLLOWED:
        return _followed(fullname, path, target)
    if fullname == "ctypes":
        from ._ctypes_import import find_ctypes

        return find_ctypes(finder)
    root = fullname.partition(".")[0]
    loader = finder.loaders.get(root)
    if loader is None and "@" in root:
        raise ModuleNotFoundError(
            f"no module '{fullname}': the plugin {root.partition('@')[0]} that it belongs to "
            "is not loaded, or has been loaded from another file",
            name=fullname,
        )
    return loader.find(fullname) if loader else None


finder = namespace(
    loaders={},  # `_Loader` by root
    executables=set(),  # whose packages scripts find
    places={},  # what packages have as `__path__`: the loader and the name of each
    place=_place,
    entry=_entry,
    forget=_forget,
    find_spec=_find_spec,
)


def _followed(name: str, path: "Any", target: "Any") -> "ModuleSpec | None":
    """A module from where Python finds it, of which something is to know once it is imported."""
    from _frozen_importlib_external import PathFinder

    spec = PathFinder.find_spec(name, path, target)
    if spec is not None and spec.loader is not None:
        execute = spec.loader.exec_module

        def exec_module(module: "ModuleType") -> None:
            execute(module)
            _FOLLOWED[name](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
    return spec


def _follow(spawn: "ModuleType") -> None:
    """What starts processes: those of plugins know their modules."""
    from ._running import children

    children.follow(spawn)


def _release_importer(threading: "Any") -> None:
    """It takes the thread that imports it for the main one, whose end Python's own end waits for.

    A host's thread may stay as long as the process, and so does what Python has of it.
    """
    locks = getattr(threading, "_shutdown_locks", None)  # before 3.13
    if locks is not None:
        locks.discard(threading._main_thread._tstate_lock)


def follow_shutdown(threading: "Any") -> None:
    """Before Python's end waits for threads, plugins' are told to end."""
    shutdown = getattr(threading, "_shutdown", None)  # None: another thread is importing it
    if shutdown is None or shutdown.__module__ == __name__:
        return

    def tell_then_shutdown() -> None:
        try:
            from ._running import ending

            ending.run_hooks_of_waited_for(threading)
        finally:
            shutdown()

    threading._shutdown = tell_then_shutdown


def _follow_threading(threading: "Any") -> None:
    _release_importer(threading)
    follow_shutdown(threading)


_SPAWN = "multiprocessing.spawn"
_FOLLOWED = {_SPAWN: _follow, "threading": _follow_threading}


def run_modules(script: "Script", sources: "Sources") -> "ModuleType":
    """Run a script under a private name; returns its module.

    The script is filled by its decorators, then by the module's EPY_EXPORT_LIST. If it raises,
    nothing of it stays in sys.modules, and the exception passes.
    """
    script.module = root = _private_name(script)
    if root in sys.modules:  # there was no memory to unload it
        drop_modules(root)
    loader = find_modules(root, script.name, script.path, sources, script)
    try:
        module = _import(loader)
        listed = vars(module).get("EPY_EXPORT_LIST", ())
        if listed:
            from ._exports.addresses import export_list

            export_list(listed)
    except BaseException:
        drop_modules(root)
        raise
    return module


def find_modules(
    root: str, name: str, path: str, sources: "Sources", script: "Script | None" = None
) -> "_Loader":
    """Let `root` and the modules below it be found, whose public name is `name`."""
    loader = finder.loaders[root] = _Loader(root, name, path, sources, script)
    if finder not in sys.meta_path:
        sys.meta_path.insert(0, finder)
        if _SPAWN in sys.modules:  # of a Python host
            _follow(sys.modules[_SPAWN])
    return loader


def drop_modules(root: str) -> list[object]:
    """Forget a script's modules; code of them that still runs is not disturbed.

    Returns them and their loader.
    """
    dropped: list[object] = [finder.forget(root)]
    for name in reversed(names_below(root)):  # its own last: that tells run_modules of the others
        dropped.append(sys.modules.pop(name))
    return dropped


def names_below(root: str) -> list[str]:
    return [name for name in list(sys.modules) if name == root or name.startswith(root + ".")]


def outside_import_lock(function: "Callable[[], Any]") -> "Any":
    """Call a function that imports, or waits for imports, in a finder.

    The import system asks finders under a lock of its own (`_frozen_importlib._find_spec`). Another
    thread may be in the midst of a module, which the function waits for, and need that lock to go
    on. It is not held by whoever calls a finder himself.
    """
    levels = 0
    try:
        while _imp.lock_held():  # by anybody
            _imp.release_lock()
            levels += 1
    except RuntimeError:  # by another thread
        pass
    try:
        return function()
    finally:
        for _ in range(levels):
            _imp.acquire_lock()


def _import(loader: "_Loader") -> "ModuleType":
    """As the import system would, to which the same is five times the work."""
    if loader.package:  # other threads can import it by its name: they wait
        with _ModuleLockManager(loader.root):
            return _run(loader)
    return _run(loader)


def _run(loader: "_Loader") -> "ModuleType":
    name = loader.root
    spec: Any = loader.find(name)
    module = type(sys)(name)
    space = module.__dict__
    space["__spec__"], space["__loader__"], space["__package__"] = spec, loader, spec.parent
    if spec.has_location:
        space["__file__"] = spec.origin
    if spec.submodule_search_locations is not None:
        space["__path__"] = spec.submodule_search_locations
    sys.modules[name] = module
    spec._initializing = True
    try:
        loader.exec_module(module)
    finally:
        spec._initializing = False
    return sys.modules[name]
