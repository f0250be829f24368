"""`epy.Bindings`: a module in the process's Python that is there as long as its plugin is."""

from __future__ import annotations

import sys
from types import FunctionType

from .._core import NativeFunction
from .._errors import BindingsError
from .._script import find_script
from . import published
from .published_type import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .._script import Script

    Anything = TypeVar("Anything", bound=Callable[..., Any])


class Bindings:
    """A module for the Python of the process, which other Python code imports while the plugin is
    loaded: no file, no PYTHONPATH, no compiled extension::

        ext = epy.Bindings("maya_python_c_ext")

        @ext.function
        def hello_world_maya(text): ...

        @ext.type
        class Node: ...

        ext.version = "1.2"

    It is there when the script has run, before `on_load`: at the plugin's first call, with
    `epy build --eager` when it is loaded. In a Python that runs in the host's process already, that
    is the host's.

    *After the unload* what was imported stays, and leads nowhere: a function or class raises
    `epy.UnloadedError`, the module has no attributes, `import` raises ModuleNotFoundError. When the
    plugin is loaded again, the very same functions and classes work, with the new code.
    `help`, `inspect.signature` and pickle see the script's functions under the module's name.

    *Values* (`ext.version = "1.2"`) are handed over as they are; so are classes that are assigned.
    A function that is assigned is published as by `function`.

    *Names.* A name that a real module has is refused, and one that another plugin publishes, unless
    both say `share=True`: then they fill one module, each with names of its own. Refusals are a
    BindingsError: the start fails with one line.

    `valid` is true while a plugin that publishes the name is loaded; so is `valid` of the module.
    In code that is no plugin's, `epy.Bindings(name)` publishes nothing and only tells that.

    Any thread that holds the GIL. A sub-interpreter does not see the module.
    """

    __slots__ = ("_name", "_published", "_script", "_values", "_waiting")

    def __init__(self, name: str, *, share: bool = False) -> None:
        if not isinstance(name, str) or not name.isidentifier():
            raise BindingsError(f"epy.Bindings({name!r}): give an identifier: the module's name")
        if name in sys.stdlib_module_names or name == "epy":
            raise published.taken(name, None)
        script = find_script()
        self._set("_name", name)
        self._set("_script", script)
        self._set("_values", {})
        self._set("_waiting", script.importing)
        self._set("_published", script.publish_module(name, share))
        script.add(script.bindings, self)
        if not self._waiting:
            self._appear()

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def function(self, function: Anything | None = None, /, *, name: str | None = None) -> Any:
        """Decorator: publish a function, as `name` or under its own. Returns it unchanged.

        While it runs, `epy.plugin` is this plugin, whoever called.
        """
        if function is None:
            return lambda function: self.function(function, name=name)
        if not callable(function):
            raise BindingsError(f"'{self._name}': {function!r} is no function")
        self._publish(_name(function, name), published.Callable(function))
        return function

    def type(self, cls: type | None = None, /, *, name: str | None = None) -> Any:
        """Decorator: publish a class, as `name` or under its own. Returns what others get.

        That is a class derived from `cls`, and the same at each load: objects that outlive the
        plugin are of the new class once it is loaded again, with the attributes that they have.
        Until then their attributes can be read, and methods raise UnloadedError. Refused is a class
        that lays out its objects itself (`__slots__`, an extension's class) or has a metaclass.
        """
        if cls is None:
            return lambda cls: self.type(cls, name=name)
        check(self._name, cls)
        name = self._checked(_name(cls, name))
        if self._published is not None:
            cls = self._published.type(self._script, name, cls)
        self._publish(name, cls)
        return cls

    @property
    def valid(self) -> bool:
        """Whether a plugin that publishes this name is loaded."""
        found = published.modules.get(self._name)
        return found is not None and found.is_valid()

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name) and not name.startswith("__"):
            raise BindingsError(f"'{self._name}.{name}' has a meaning here: take another name")
        self._publish(
            name,
            published.Callable(value)
            if isinstance(value, (FunctionType, NativeFunction))
            else value,
        )

    def __getattr__(self, name: str) -> Any:
        try:
            value = self._values[name]
        except KeyError:
            raise AttributeError(f"'{self._name}' has no attribute '{name}'") from None
        return value.function if isinstance(value, published.Callable) else value

    def __repr__(self) -> str:
        return f"<epy.Bindings {self._name!r}>"

    def _checked(self, name: str) -> str:
        if not isinstance(name, str) or not name.isidentifier() or name == "valid":
            raise BindingsError(f"{name!r} is no name in '{self._name}': give an identifier")
        if self._published is not None:
            self._published.check_new(self._script, name)
        return name

    def _publish(self, name: str, value: Any) -> None:
        self._values[self._checked(name)] = value
        if self._published is not None and not self._waiting:
            self._published.set(self._script, name, value)

    def _appear(self) -> None:
        self._set("_waiting", False)
        if self._published is not None:
            module = sys.modules.get(self._script.module)
            self._published.module.__doc__ = getattr(module, "__doc__", None)
            self._published.publish(self._script, self._values)


def _name(named: Any, name: str | None) -> str:
    own: str = getattr(named, "__name__", "")
    return name or own


def publish(script: Script) -> None:
    """A script has run: what it published is there from now on."""
    for bindings in script.bindings:
        if bindings._waiting:
            bindings._appear()


def withdraw(script: Script) -> list[object]:
    """A script goes. Returns what the process's Python does not have any more."""
    left: list[object] = []
    for bindings in script.bindings:
        if bindings._published is not None:
            left += bindings._published.leave(script)
    script.bindings.clear()
    return left


# A script runs again: see `_running.reloading`.


def keep(script: Script) -> list[tuple[Bindings, dict[str, Any]]]:
    """What it publishes now, and what the stand-ins of its classes lead to."""
    return [
        (bindings, bindings._published.classes(script))
        for bindings in script.bindings
        if bindings._published is not None
    ]


def restore(
    script: Script, kept: list[tuple[Bindings, dict[str, Any]]], failed: list[Bindings]
) -> None:
    """The old code stays."""
    _forget_others(script, failed, [bindings for bindings, _ in kept])
    for bindings, classes in kept:
        published = bindings._published
        published.types.update({name: entry for name, (entry, _) in classes.items()})
        for entry, cls in classes.values():
            entry.lead(script, cls)
        for name, value in bindings._values.items():
            published.set(script, name, value)


def settle(script: Script, kept: list[tuple[Bindings, dict[str, Any]]]) -> None:
    """The new code serves: what only the old one published is gone."""
    _forget_others(script, [bindings for bindings, _ in kept], script.bindings)


def _forget_others(script: Script, gone: list[Bindings], here: list[Bindings]) -> None:
    """Withdraw what some publish and others do not."""
    names: dict[str, set[str]] = {}
    for bindings in here:
        names.setdefault(bindings._name, set()).update(bindings._values)
    for bindings in gone:
        if bindings._published is None:
            continue
        if bindings._name in names:
            others = bindings._values.keys() - names[bindings._name]
            bindings._published.forget(script, others)
        else:
            bindings._published.leave(script)
