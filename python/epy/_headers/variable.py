"""Variables of the host, as a header declares them: objects of ctypes in the host's own memory."""

from __future__ import annotations

import ctypes
from _ctypes import _SimpleCData

from .._host_function import find_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .._header import Header


def variable(header: Header, name: str, ctype: Any) -> Any:
    """The variable where it is now: a library may be loaded anew."""
    if issubclass(ctype, _SimpleCData):
        ctype = _checked(header, ctype, name)
    return ctype.from_address(find_address(header, name))


def _checked(header: Header, ctype: Any, name: str) -> Any:
    """A subclass whose `value` takes what a struct's field takes, and keeps it."""
    found = header._variables.get(name)
    if found is None:
        native = ctype.value
        classes = header._classes

        def set_value(self: Any, value: Any) -> None:
            try:
                place = ctypes.addressof(self)

                def store(stored: Any) -> None:
                    if isinstance(stored, _SimpleCData):  # a pointer
                        ctypes.memmove(place, ctypes.addressof(stored), ctypes.sizeof(ctype))
                    else:
                        native.__set__(self, stored)

                classes.store(ctype, value, place, store)
            except (TypeError, ValueError, OverflowError) as reason:
                from .misfits import variable_error

                raise variable_error(ctype, name, value, reason) from None

        body = {"value": property(native.__get__, set_value), "__module__": ctype.__module__}
        found = header._variables[name] = type(ctype)(ctype.__name__, (ctype,), body)
    return found
