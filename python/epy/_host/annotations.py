"""ctypes' types under names of epy's own: type checkers take them for what Python code gets."""

from __future__ import annotations

import ctypes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Pointer:
    """`epy.Pointer[c_int]` is ctypes' `POINTER(c_int)`, as type checkers can read it."""

    def __class_getitem__(cls, item: Any) -> Any:
        if not isinstance(item, type):
            raise TypeError(f"epy.Pointer[{item!r}]: give a C type")
        return ctypes.POINTER(item)


def __getattr__(name: str) -> Any:
    return getattr(ctypes, name)
