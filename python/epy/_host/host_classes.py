"""Classes for objects of the host's own, which it registers with epy.h."""

from __future__ import annotations

import ctypes
from _ctypes import CFuncPtr

from .. import _core
from .._errors import ArgumentError, Error, SignatureError, wrong_argument
from .._export import returned_callback
from .._script import find_script
from .plain_prototypes import INTEGERS, HostPointer, read_prototype, type_in_c

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_made: dict[str, type] = {}


def host_class(name: str) -> Any:
    """The Python class for objects of the host that it has registered as `name` (epy.h).

    An object of the host has one Python object, its wrapper, as long as either side has it: what a
    script sets on it stays, and weak references to it live. Its methods are the functions that the
    host has registered: they take and give objects of all its classes, and a callable where C has a
    function pointer, which lives until the plugin is unloaded. `address` is the host's pointer.

    The class may be subclassed. If the host lets scripts make objects, a call of the class, or of a
    subclass, makes one of the host's, whose wrapper the new instance is; then it has a reference to
    the host's object.

    When the host's object dies before its wrapper, what uses it raises UnloadedError. While `epy
    build` runs the script, where no host is, the class is an empty stand-in.

    Raises Error if the host has registered no class of that name.
    """
    if not isinstance(name, str):
        raise wrong_argument("host_class", "name", name, "the name of a class of the host")
    found = _made.get(name)
    if found is not None:
        return found
    described = _core.describe_host_class(name)
    if described is None:
        if find_script().building:
            return type(name, (), {"__doc__": "A class of the host's."})
        raise Error(
            f"the host has no class {name!r}: it registers them with epy_register_class before the "
            "plugin starts"
        )
    methods, key = described
    body: dict[str, Any] = {"_host_class_": key, "__module__": "epy", "__class__": _own_class(key)}
    made = type(name, (_core.HostObject,), body)
    for prototype, address, own_name in methods:
        in_c, function = _method(made, prototype, address)
        setattr(made, own_name or in_c, function)
    _made[name] = made
    return made


def _is_host_class(name: str) -> bool:
    return name in _made or _core.describe_host_class(name) is not None


def _own_class(key: Any) -> Any:
    """`__class__`: a class of another host class has methods for pointers of another kind."""
    of_any: Any = vars(object)["__class__"]

    def assign(self: Any, cls: Any) -> None:
        if isinstance(cls, type) and getattr(cls, "_host_class_", None) is not key:
            raise TypeError(
                f"{type(self).__name__} object is the host's: its class cannot become "
                f"{cls.__name__}, which is not for the host's objects of that kind"
            )
        of_any.__set__(self, cls)

    return property(type, assign)


def _method(owner: Any, prototype: str, address: int) -> tuple[str, Any]:
    name, result, parameters = read_prototype(prototype, _is_host_class)
    if not parameters or parameters[0] != HostPointer(owner.__name__):
        raise SignatureError(f"'{prototype}': the first parameter is no `{owner.__name__} *`")
    native: Any = ctypes.CFUNCTYPE(*map(type_in_c, (result, *parameters)))(address)
    given = result.name if isinstance(result, HostPointer) else None

    def method(self: Any, *arguments: Any) -> Any:
        if len(arguments) != len(parameters) - 1:
            raise ArgumentError(
                f"{name} takes {len(parameters) - 1} arguments, not {len(arguments)}: {prototype}"
            )
        try:
            found = native(_pointer(self, parameters[0]), *map(_fitting, arguments, parameters[1:]))
        except ctypes.ArgumentError as error:
            raise ArgumentError(f"{name}: {error}; it is declared as `{prototype}`") from None
        return _core.wrap_host_object(host_class(given), found) if given and found else found

    method.__name__ = method.__qualname__ = name
    method.__doc__ = prototype
    return name, method


def _fitting(value: Any, wanted: Any) -> Any:
    """The value, or what it stands for; ctypes looks at the type, but cuts integers off."""
    if isinstance(wanted, HostPointer):
        return None if value is None else _pointer(value, wanted)
    if isinstance(value, int) and wanted in INTEGERS.values() and wanted(value).value != value:
        raise ArgumentError(f"{value} does not fit in a C {wanted.__name__[2:]}")
    if issubclass(wanted, CFuncPtr) and not isinstance(value, wanted):
        return _function_pointer(value, wanted)
    return value


def _pointer(value: Any, wanted: Any) -> int:
    address = _core.host_object_address(value, host_class(wanted.name))
    if address is None:
        raise ArgumentError(f"expected the host's {wanted.name}, got {value!r}")
    return address


def _function_pointer(value: Any, wanted: Any) -> Any:
    """A callable becomes a callback that lives until the plugin is unloaded, as with headers."""
    if value is None:
        return wanted()
    address = getattr(value, "address", None)
    if isinstance(address, int) and not isinstance(value, _core.HostObject):
        return wanted(address)
    if not callable(value):
        raise ArgumentError(f"expected a function or None, got {value!r}")
    return returned_callback(wanted, value)
