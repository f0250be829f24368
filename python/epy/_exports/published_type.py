"""Classes that outlive the script they come from: see `epy.Bindings.type`.

The stand-in derives from the script's class, and changes its base: to the script's class when there
is one, to none when the plugin goes. Python allows that between classes that lay out their objects
alike. `_home` is always the first base and decides the layout, so that all other bases are alike.
"""

from __future__ import annotations

import sys

from .._errors import BindingsError, UnloadedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .._script import Script

_HEAP_TYPE = 1 << 9  # of a class's flags: made at run time
# What may be asked for while there is no code: to print an object, to let it go.
_HARMLESS = {
    *("__del__", "__repr__", "__str__", "__getattribute__", "__getattr__", "__setattr__"),
    *("__delattr__", "__annotate__", "__annotate_func__", "__class__", "__new__"),
}
_homes: dict[type, type] = {}


def _root(cls: type) -> type:
    """The built-in class that a class derives from: `object`, `Exception`, `dict`, ..."""
    return next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)


def _home(cls: type) -> type:
    root = _root(cls)
    if root not in _homes:
        _homes[root] = type("Published", (root,), {"__module__": "epy", "__doc__": None})
    return _homes[root]


def _has_new(cls: type) -> bool:
    return any("__new__" in vars(base) for base in cls.__mro__ if base.__flags__ & _HEAP_TYPE)


def check(module: str, cls: object) -> None:
    """BindingsError for a class that can have no stand-in."""
    if not isinstance(cls, type):
        raise BindingsError(f"'{module}': {cls!r} is no class")
    abc = getattr(sys.modules.get("abc"), "ABCMeta", type)
    why = ""
    if type(cls) not in (type, abc):
        why = f"has the metaclass {type(cls).__name__}"
    else:
        try:
            _new("x", module, cls).__bases__ = _home(cls), cls
        except TypeError:
            why = "lays out its objects itself (__slots__, an extension's class)"
    if why:
        raise BindingsError(
            f"'{module}': the class {cls.__name__} cannot be published: it {why}; assign it as a "
            "value if it may outlive the plugin"
        )


def _new(name: str, module: str, cls: type) -> type:
    made: type = type(cls)(name, (_home(cls),), {"__module__": module, "__qualname__": name})
    return made


class _Refused:
    """An attribute of the class that there was."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __get__(self, instance: object, owner: object = None) -> Any:
        raise _unloaded(self.label)


def _refusing(label: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise _unloaded(label)

    return refuse


def _unloaded(label: str) -> UnloadedError:
    return UnloadedError(f"{label}: its plugin is not loaded: load it (again)")


class PublishedType:
    """A published class: its stand-in, and whose it is now."""

    __slots__ = ("has_new", "label", "script", "stand_in", "used")

    def __init__(self, module: str, name: str, cls: type) -> None:
        self.label = f"{module}.{name}"
        self.script: Script | None = None
        self.stand_in = _new(name, module, cls)
        self.used: frozenset[str] = frozenset(vars(self.stand_in))  # what it has in any case
        self.has_new = _has_new(cls)

    def fits(self, cls: type) -> bool:
        return (
            self.stand_in.__bases__[0] is _home(cls)
            and type(self.stand_in) is type(cls)
            # A class that had one once makes its objects as if it still had.
            and self.has_new == _has_new(cls)
        )

    def lead(self, script: Script, cls: type) -> None:
        self._clear()
        self.script = script
        self.stand_in.__bases__ = self.stand_in.__bases__[0], cls
        self.stand_in.__doc__ = cls.__doc__

    def leave(self) -> object:
        """Methods refuse, and what objects have stays. Returns the script's class."""
        *_, cls = self.stand_in.__bases__
        names = {
            name: value
            for base in reversed(self.stand_in.__mro__)
            if base.__flags__ & _HEAP_TYPE
            for name, value in vars(base).items()
        }
        self._clear()
        self.script = None
        self.stand_in.__bases__ = self.stand_in.__bases__[:1]
        names["__init__"] = PublishedType.__init__
        for name, value in names.items():
            if name in self.used or name in _HARMLESS:
                continue
            if not (name.startswith("__") and name.endswith("__")):
                setattr(self.stand_in, name, _Refused(f"{self.label}.{name}"))
            elif callable(value) or isinstance(value, (classmethod, staticmethod, property)):
                setattr(self.stand_in, name, _refusing(self.label))
        return cls

    def _clear(self) -> None:
        for name in [name for name in vars(self.stand_in) if name not in self.used]:
            delattr(self.stand_in, name)
