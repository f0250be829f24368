"""What hosts reach by name through epy.h."""

from __future__ import annotations

import builtins
import sys

from .. import _core
from .._errors import Error
from .._script import script_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _module(native: _core.NativePlugin) -> Any:
    module = sys.modules.get(script_of(native).module)
    if module is None:
        raise Error(f"{native.path}: is being unloaded")
    return module


def find(native: _core.NativePlugin, name: str) -> Any:
    """What "name" or "name.attribute" means in the plugin's script."""
    found = _module(native)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def exports(native: _core.NativePlugin) -> list[tuple[str, str]]:
    """Name and C declaration of each; none of what only the running script knows."""
    script = script_of(native)
    return [(name, script.declarations_in_c.get(name, "")) for name in script.exports]


def keep_alive(nurse: Any, patient: object) -> None:
    """What dies with `nurse`, or when the collector finds both in a circle: its reference."""
    try:
        kept = vars(nurse).setdefault("_epy_kept_alive_", [])
    except TypeError:
        raise TypeError(
            f"{type(nurse).__name__} objects have no attributes, so they can keep nothing alive"
        ) from None
    kept.append(patient)


def exception_class(native: _core.NativePlugin | None, name: str) -> type[BaseException]:
    """The class that C names: of the script, of Python, or of a module."""
    found = _find_class(native, name)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise Error(f"epy_raise: {name!r} is no exception class: {found!r}")
    return found


def _find_class(native: _core.NativePlugin | None, name: str) -> Any:
    script = script_of(native)
    module = sys.modules.get(script.module)
    first, _, rest = name.partition(".")
    places: list[tuple[Any, str]] = [(module, name), (builtins, name)]
    if first == script.name:
        places.insert(0, (module, rest))
    for place, path in places:
        found = _attribute(place, path)
        if found is not None:
            return found
    folder, _, last = name.rpartition(".")
    problem = Error(f"epy_raise: no exception class {name!r} in the script, nor in Python")
    if not folder:
        raise problem
    try:
        return getattr(__import__(folder, fromlist=(last,)), last)
    except (ImportError, AttributeError, ValueError) as error:
        raise problem from error


def _attribute(place: Any, path: str) -> Any:
    for part in path.split("."):
        place = getattr(place, part, None)
    return place
