"""Enums of headers: integers in C, members of an IntEnum in Python where one has the value.

C lets an enum hold any number of its type: flags that are combined, what a newer host knows. Such a
number stays an int.
"""

from __future__ import annotations

from _ctypes import Array, _Pointer, _SimpleCData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_number: Any = vars(_SimpleCData)["value"]


class Members(dict[int, int]):
    """The members of one enum by their values; any other number stands for itself.

    Empty until a number is looked up: to import module `enum` takes longer than to start a plugin.
    """

    def __init__(self, name: str, declared: tuple[tuple[str, int], ...], module: str) -> None:
        self.name = name
        self.declared = declared
        self.module = module

    def __missing__(self, number: int) -> int:
        if self:
            return number
        self.update({member.value: member for member in self.enumeration})
        return self.get(number, number)

    @property
    def enumeration(self) -> Any:
        """The IntEnum: of all enumerators but those whose names Python keeps for itself."""
        found = self.__dict__.get("made")
        if found is None:
            from enum import IntEnum

            items = [(name, value) for name, value in self.declared if not _is_reserved(name)]
            made = IntEnum(self.name, items, module=self.module)  # type: ignore[misc]
            found = self.__dict__.setdefault("made", made)  # unless another thread was faster
        return found


def members_of(key: str, declared: tuple[tuple[str, int], ...], module: str) -> Members:
    """The members of an enum that a header defines."""
    return Members(key.strip("{}'").rpartition(".")[2], declared, module)


def _is_reserved(name: str) -> bool:
    return name == "mro" or (name[0] == "_" and name[-1] == "_")


class Enumerated:
    """What the types of enums have in common, each a subclass of an integer type of ctypes.

    Parameters and results of functions, fields, items of pointers and arrays are members or ints;
    an object of the type itself has them as its `value`.
    """

    _epy_members_: Members

    @property
    def value(self) -> int:
        return self._epy_members_[_number.__get__(self)]

    @value.setter
    def value(self, value: int) -> None:
        _number.__set__(self, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    @staticmethod
    def _check_retval_(result: Enumerated) -> int:
        """What a C function that returns one gives."""
        return result.value


def enumerated(integer: Any, members: Members) -> Any:
    """The type of an enum that C stores as this integer type."""
    body = {"_epy_members_": members, "__module__": members.module}
    return type(integer)(members.name, (Enumerated, integer), body)


def _with_members(get_item: Any) -> Callable[[Any, Any], Any]:
    """The `__getitem__` of a pointer or an array, whose items are members or ints."""

    def get(self: Any, index: Any) -> Any:
        found = get_item(self, index)
        return [item.value for item in found] if isinstance(index, slice) else found.value

    return get


pointer_item = _with_members(vars(_Pointer)["__getitem__"])
array_item = _with_members(vars(Array)["__getitem__"])


class EnumField:
    """An enum in a struct, its storage a plain integer or some bits."""

    def __init__(self, native: Any, members: Members) -> None:
        self.native = native
        self.members = members
        self.offset = native.offset
        self.size = getattr(native, "size", 0)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self.members[self.native.__get__(instance)]

    def __set__(self, instance: Any, value: int) -> None:
        self.native.__set__(instance, value)
