"""Structs, pointers and arrays of headers: they take Python values, see `_conversions`.

What a value needs is kept by ctypes' `_objects` where Python owns the memory. Memory that it does
not own (the host's, exported data, what a pointer leads to) may outlive every Python object, so
what is stored there is kept until the plugin is unloaded.
"""

from __future__ import annotations

import ctypes
from _ctypes import FUNCFLAG_CDECL, Array, CFuncPtr, Structure, Union, _Pointer

from ._errors import FieldError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import _conversions as conversions
    from ._classes import Classes
else:

    class _Conversions:
        """The module of this name: many plugins only take and call functions, and need none."""

        def __getattr__(self, name: str) -> object:
            from . import _conversions

            found = self.__dict__[name] = getattr(_conversions, name)
            return found

    conversions = _Conversions()

set_array_item: Any = vars(Array)["__setitem__"]


class Keeper:
    """What is kept until a plugin is unloaded."""

    __slots__ = ("callbacks", "objects", "strings")

    def __init__(self) -> None:
        self.callbacks: dict[tuple[Any, ...], Any] = {}
        self.objects: list[Any] = []
        self.strings: dict[bytes, bytes] = {}

    def callback(self, classes: Classes, kind: Any, function: Any) -> Any:
        """The callback of this type for a callable: always the same."""
        bound = getattr(function, "__self__", None), getattr(function, "__func__", None)
        key = (kind, id(function)) if bound[1] is None else (kind, *map(id, bound))
        found = self.callbacks.get(key)
        if found is None:
            found = self.callbacks.setdefault(key, classes.callback(kind, function))
            self.objects.append(function)  # so that its id stays its own
        return found

    def clear(self) -> None:
        self.callbacks.clear()
        self.objects.clear()
        self.strings.clear()


class Fields:
    """What structs and unions of headers have in common."""

    _epy_classes_: Classes
    _epy_types_: dict[str, Any] = {}
    """The type of each field, as `_c_types` has it; anonymous members' fields are among them."""
    _epy_names_: tuple[str, ...] = ()
    """Of the members, in order."""
    _epy_obstacle_ = ""
    """Why it cannot be passed by value, if so."""
    _epy_functions_: dict[str, Any] = {}
    """The types of the functions that function pointers lead to, by field."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self._epy_classes_.complete(type(self))
        if values:
            names = self._epy_names_
            if len(values) > len(names):
                raise FieldError(
                    f"{type(self).__name__} has {len(names)} members, {len(values)} values given"
                )
            for name, value in zip(names, values, strict=False):
                if name in named:
                    raise FieldError(f"{type(self).__name__}.{name} is given twice")
                setattr(self, name, value)
        for name, value in named.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        cls: Any = type(self)
        kind = cls._epy_types_.get(name)
        if kind is None:
            if hasattr(cls, name):  # a property of a subclass, a ctypes class attribute
                object.__setattr__(self, name, value)
                return
            raise conversions.unknown_field(cls, name)
        classes = cls._epy_classes_
        keeper = None if _is_owned(self) else classes.keeper
        function = cls._epy_functions_.get(name)
        try:
            if function is not None:
                converted = conversions.function_pointer(Function, value, keeper, classes, function)
            else:
                converted = conversions.convert(classes.make(kind), value, keeper)
            object.__setattr__(self, name, converted)
        except (conversions.Misfit, TypeError, ValueError, OverflowError) as misfit:
            if isinstance(misfit, FieldError):
                raise
            made = classes.make(kind)
            raise conversions.field_error(cls, name, made, value, misfit) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks for what it might do with any object
            raise AttributeError(name)
        raise conversions.unknown_field(type(self), name)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._epy_names_)
        return f"{type(self).__name__}({shown})"


def _is_owned(value: Any) -> bool:
    """Whether Python owns the memory, and this object's root keeps what is stored in it."""
    while value._b_base_ is not None:
        value = value._b_base_
        if isinstance(value, _Pointer):
            return False
    return bool(value._b_needsfree_)


class Struct(Fields, Structure):
    """A C struct of a header."""


class UnionStruct(Fields, Union):
    """A C union of a header."""


class Function(CFuncPtr):
    """A C function pointer of a header; subclasses have a prototype."""

    _flags_ = FUNCFLAG_CDECL
    _epy_classes_: Classes
    _epy_kind_: Any
    _epy_error_: Any = None

    @classmethod
    def from_param(cls, value: Any) -> Any:
        """As an argument of a C function: a callable becomes a callback that lives until unload."""
        return value if isinstance(value, cls) else conversions.argument(cls, value)


class LazyFunction:
    """A function pointer in a struct; its type is made when the field is read."""

    def __init__(self, native: Any, kind: Any, classes: Classes) -> None:
        self.native = native
        self.kind = kind
        self.classes = classes
        self.offset = native.offset
        self.size = native.size

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return ctypes.cast(self.native.__get__(instance), self.classes.make(self.kind))

    def __set__(self, instance: Any, value: Any) -> None:
        self.native.__set__(instance, value)


class ArrayMethods:
    """What arrays of headers have beyond ctypes' own: items take Python values, and are checked."""

    _type_: Any
    _length_: int
    _epy_classes_: Classes

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            places = range(self._length_)[index]
            for place, item in zip(places, value, strict=True):
                self[place] = item
            return
        keeper = None if _is_owned(self) else self._epy_classes_.keeper
        set_array_item(self, index, conversions.item(self, index, value, keeper))


_contents: Any = vars(_Pointer)["contents"]
_get_item: Any = vars(_Pointer)["__getitem__"]
_set_item: Any = vars(_Pointer)["__setitem__"]


class PointerMethods:
    """What pointers of headers have beyond ctypes' own."""

    _type_: Any
    _objects: Any
    _epy_classes_: Classes

    @property
    def contents(self) -> Any:
        """What it points to: the very object, if Python made both."""
        self._epy_classes_.complete(self._type_)
        target = self._objects.get("1") if self._objects else None
        found = _contents.__get__(self)
        if isinstance(target, self._type_) and ctypes.addressof(target) == ctypes.addressof(found):
            return target
        return found

    @contents.setter
    def contents(self, value: Any) -> None:
        _contents.__set__(self, value)

    def __getitem__(self, index: Any) -> Any:
        self._epy_classes_.complete(self._type_)
        return _get_item(self, index)

    def __setitem__(self, index: int, value: Any) -> None:
        self._epy_classes_.complete(self._type_)
        keeper = self._epy_classes_.keeper
        _set_item(self, index, conversions.item(self, index, value, keeper))

    @classmethod
    def from_param(cls, value: Any) -> Any:
        """As an argument of a C function: also lists, dicts and strings, for that call."""
        native: Callable[..., Any] = type(cls).from_param  # type: ignore[attr-defined]
        try:
            return native(cls, value)
        except TypeError:
            try:
                return conversions.convert(cls, value)
            except conversions.Misfit:
                pass
            raise


class StructPointerMethods(PointerMethods):
    """A pointer to a struct forwards its fields."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.contents, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "contents":
            object.__setattr__(self, name, value)
        else:
            setattr(self.contents, name, value)
