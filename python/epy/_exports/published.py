"""What `epy.Bindings` publishes: modules of the process's Python, filled by plugins.

A program keeps what it has imported: functions and classes. So those are stand-ins, which stay the
same objects for ever: they lead to the script's own while its plugin is loaded, and nowhere else.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import ModuleSpec
from types import FunctionType, ModuleType

from .. import _core
from .._errors import BindingsError, UnloadedError
from .published_type import PublishedType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .._plugin import Running


class UnloadedNameError(UnloadedError, AttributeError):
    """A module or class that Python looks at has nothing of this name while its plugin is gone."""


class _Function:
    """A published function: its stand-in, and what that leads to."""

    __slots__ = ("function", "module", "script", "stand_in")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.script: Running | None = None
        self.function: Any = None
        self.stand_in = _stand_in(self)
        self.stand_in.__module__ = module
        self.stand_in.__name__ = self.stand_in.__qualname__ = name

    def lead(self, script: Running, function: Any) -> None:
        self.script, self.function = script, function
        stand_in: Any = self.stand_in
        stand_in.__wrapped__ = function  # `inspect` follows it
        plain = getattr(function, "__wrapped__", function)
        for name in ("__doc__", _ANNOTATIONS, "__type_params__"):
            if hasattr(plain, name):
                setattr(stand_in, name, getattr(plain, name))

    def why_not(self) -> str:
        label = f"{self.module}.{self.stand_in.__name__}()"
        if self.script is None and modules[self.module].is_valid():
            return f"{label}: no plugin that is loaded publishes it"
        return f"{label}: its plugin is not loaded: load it (again)"

    def leave(self) -> object:
        """Only the name and what `help` says stay. Returns the function."""
        function, self.script, self.function = self.function, None, None
        stand_in: Any = self.stand_in
        vars(stand_in).clear()
        stand_in.__annotations__ = {}
        if hasattr(stand_in, "__type_params__"):
            stand_in.__type_params__ = ()
        return function


_ANNOTATIONS = "__annotate__" if sys.version_info >= (3, 14) else "__annotations__"


def _stand_in(entry: _Function) -> FunctionType:
    def call(*arguments: Any, **options: Any) -> Any:
        script, function = entry.script, entry.function
        if script is None or not script.native.loaded:
            raise UnloadedError(entry.why_not())
        return _core.run_for(script.native, function, *arguments, **options)

    assert isinstance(call, FunctionType)
    return call


class _Module(ModuleType):
    """What the process's Python imports."""

    @property
    def valid(self) -> bool:
        """Whether the plugin that publishes it is loaded."""
        return modules[self.__name__].is_valid()

    def __getattr__(self, name: str) -> Any:
        module = self.__name__
        if name.startswith("__") or modules[module].is_valid():
            raise AttributeError(f"module '{module}' has no attribute '{name}'")
        raise UnloadedNameError(f"{module}.{name}: its plugin is not loaded: load it (again)")


class Published:
    """One name for modules: the module, and what plugins publish in it. As long as the process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = _Module(name)
        self.module.__spec__ = ModuleSpec(name, _finder)  # type: ignore[arg-type]
        self.module.__loader__ = _finder  # type: ignore[assignment]
        self.shared = False
        self.scripts: list[Running] = []  # that publish in it, also while they start
        self.owners: dict[str, Running] = {}  # of what is in the module
        self.functions: dict[str, _Function] = {}  # all that there ever were
        self.types: dict[str, PublishedType] = {}
        self.left: list[tuple[Running, list[object]]] = []  # of scripts whose end is still to come

    def is_valid(self) -> bool:
        return sys.modules.get(self.name) is self.module and any(
            script.native.loaded for script in self.scripts
        )

    def join(self, script: Running, share: bool) -> None:
        """A script publishes here. BindingsError if the name is taken."""
        for other in list(self.scripts):
            if other is not script and not other.native.loaded:
                self.left.append((other, self.leave(other)))  # its unload waits for the GIL
        others = [other for other in self.scripts if other is not script]
        if others and not (share and self.shared):
            raise BindingsError(
                f"'{self.name}' is published by {others[0].path} already: unload that first, take "
                "another name, or let both say share=True"
            )
        self.check_name(script)
        if script not in self.scripts:
            self.scripts.append(script)
        self.shared = share

    def check_name(self, script: Running) -> None:
        """BindingsError if a real module has the name."""
        module = sys.modules.get(self.name, self.module)
        if module is not self.module:
            raise taken(self.name, getattr(module, "__file__", None))
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(self.name, None) if find and finder is not _finder else None
            if spec is not None and not _is_of(script, spec.origin):
                raise taken(self.name, spec.origin)

    def check_new(self, script: Running, name: str) -> None:
        """BindingsError if another script publishes the name."""
        owner = self.owners.get(name, script)
        if owner is not script:
            raise BindingsError(
                f"'{self.name}.{name}' is published by {owner.path} already: take another name"
            )

    def publish(self, script: Running, values: dict[str, Any]) -> None:
        self.check_name(script)
        for name in values:
            self.check_new(script, name)
        for name, value in values.items():
            self.set(script, name, value)
        for name in {*self.functions, *self.types} - self.owners.keys():
            vars(self.module).pop(name, None)  # published once
        self.module.__file__ = script.path
        sys.modules[self.name] = self.module
        if _finder not in sys.meta_path:
            sys.meta_path.append(_finder)

    def set(self, script: Running, name: str, value: Any) -> None:
        if isinstance(value, Callable):
            entry = self.functions.get(name) or _Function(self.name, name)
            self.functions[name] = entry
            entry.lead(script, value.function)
            value = entry.stand_in
        self.owners[name] = script
        vars(self.module)[name] = value

    def type(self, script: Running, name: str, cls: type) -> type:
        """The stand-in of a class, which leads to it from now on."""
        entry = self.types.get(name)
        if entry is None or not entry.fits(cls):
            if entry is not None and entry.script is not None:
                entry.leave()
            entry = self.types[name] = PublishedType(self.name, name, cls)
        entry.lead(script, cls)
        return entry.stand_in

    def classes(self, script: Running) -> dict[str, tuple[PublishedType, Any]]:
        """A script's classes: the stand-ins, and what those lead to."""
        return {
            name: (entry, entry.stand_in.__bases__[-1])
            for name, entry in self.types.items()
            if entry.script is script
        }

    def leave(self, script: Running) -> list[object]:
        """A script goes: nothing leads to it any more. Returns what did not stay."""
        left = [one for whose, left in self.left if whose is script for one in left]
        self.left = [item for item in self.left if item[0] is not script]
        left += self.forget(script, [name for name, it in self.owners.items() if it is script])
        for entry in self.types.values():
            if entry.script is script:  # that it has not published yet
                left.append(entry.leave())
        if script in self.scripts:
            self.scripts.remove(script)
        if not self.scripts and sys.modules.get(self.name) is self.module:
            del sys.modules[self.name]
        return left

    def forget(self, script: Running, names: Iterable[str]) -> list[object]:
        """A script does not publish these any more. Returns what did not stay."""
        left: list[object] = []
        for name in names:
            self.owners.pop(name, None)
            function, cls = self.functions.get(name), self.types.get(name)
            if function is not None and function.script is script:
                left.append(function.leave())
            if cls is not None and cls.script is script:
                left.append(cls.leave())
            stays = function or cls
            if stays is not None and not self.is_valid():
                vars(self.module)[name] = stays.stand_in
            else:
                left.append(vars(self.module).pop(name, None))
        return left


class Callable:
    """A value that is published as a function."""

    __slots__ = ("function",)

    def __init__(self, function: Any) -> None:
        self.function = function


class _Finder:
    """On sys.meta_path, last: for `importlib.reload`, and what an import of a gone module says."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        found = modules.get(name)
        if found is None:
            return None
        if not found.is_valid():
            raise ModuleNotFoundError(
                f"no module '{name}' now: the plugin that publishes it is not loaded", name=name
            )
        return found.module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return modules[spec.name].module

    def exec_module(self, module: ModuleType) -> None:
        pass


_finder = _Finder()
modules: dict[str, Published] = {}


def join(script: Running, name: str, share: bool) -> Published:
    """The module of this name, in which the script publishes from now on."""
    known = modules.setdefault(name, Published(name))
    known.join(script, share)
    return known


def _is_of(script: Running, file: str | None) -> bool:
    """Whether a file is the script's, or its plugin: a name of theirs is no other module's."""
    own = getattr(sys.modules.get(script.module), "__file__", None)
    return file is not None and os.path.realpath(file) in (script.path, os.path.realpath(own or ""))


def taken(name: str, file: object) -> BindingsError:
    where = f" ({file})" if file else ""
    return BindingsError(f"'{name}' is the name of a module{where}: take another for epy.Bindings")
