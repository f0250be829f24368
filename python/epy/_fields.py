"""Structs of headers take Python values: callables, lists, strings, tuples; what fits is checked.

What a value needs is kept by ctypes' `_objects` where Python owns the memory. Memory that it does
not own (the host's, exported data, what a pointer leads to) may outlive every Python object, so
what is stored there is kept until the plugin is unloaded.
"""

from __future__ import annotations

import ctypes
from _ctypes import FUNCFLAG_CDECL, Array, CFuncPtr, Structure, Union, _Pointer, _SimpleCData

from ._errors import FieldError, UnknownFieldError
from ._types import CData, declare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._classes import Classes

_ByRef: Any = type(ctypes.byref(ctypes.c_int()))
_set_array_item: Any = vars(Array)["__setitem__"]
_BYTES = "cbB"  # the codes of types that a string's bytes fit
_INTEGERS = {
    code: (
        (0, (1 << 8 * ctypes.sizeof(ctype)) - 1)
        if code.isupper()
        else (-1 << (8 * ctypes.sizeof(ctype) - 1), (1 << (8 * ctypes.sizeof(ctype) - 1)) - 1)
    )
    for code, ctype in (
        *(("b", ctypes.c_byte), ("B", ctypes.c_ubyte), ("h", ctypes.c_short)),
        *(("H", ctypes.c_ushort), ("i", ctypes.c_int), ("I", ctypes.c_uint)),
        *(("l", ctypes.c_long), ("L", ctypes.c_ulong)),
        *(("q", ctypes.c_longlong), ("Q", ctypes.c_ulonglong)),
    )
}


class Misfit(Exception):
    """A value does not fit a C type; the text, if any, says where inside the value, and why."""


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


def convert(ctype: Any, value: Any, keeper: Keeper | None = None) -> Any:
    """`value` as something that ctypes stores in memory of type `ctype`. Raises Misfit.

    With a keeper, what the result needs is kept there, equal strings once.
    """
    converted: Any = value
    if isinstance(value, ctype):
        pass
    elif issubclass(ctype, _SimpleCData):
        if ctype.__base__ is _SimpleCData or hasattr(ctype, "_epy_members_"):
            converted = _simple(ctype, value, keeper)
        else:
            converted = ctype(value)  # a type of epy or of the script, which knows what it takes
    elif "_epy_code_" in vars(ctype):
        converted = ctype(value)
    elif issubclass(ctype, CFuncPtr):
        converted = function_pointer(ctype, value, keeper, ctype._epy_classes_, ctype._epy_kind_)
    elif issubclass(ctype, _Pointer):
        converted = _pointer(ctype, value, keeper)
    elif issubclass(ctype, Array):
        converted = _array(ctype, value, keeper)
    else:
        converted = _whole(ctype, value)
    if keeper is not None and getattr(converted, "_objects", None):
        keeper.objects.append(converted)
    return converted


def instance(ctype: Any, value: Any, keeper: Keeper | None = None) -> Any:
    """The same as an object of the type."""
    converted = convert(ctype, value, keeper)
    if isinstance(converted, ctype):
        return converted
    if issubclass(ctype, Array):
        return ctype.from_buffer_copy(converted)
    return ctype(converted)


def _simple(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    code = ctype._type_
    if code in _INTEGERS:
        number = value if isinstance(value, int) else _index(value)
        low, high = _INTEGERS[code]
        if not low <= number <= high:
            raise Misfit
        return number
    if code in "fdg":
        if isinstance(value, (str, bytes)):
            raise Misfit
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise Misfit from None
    if code in "zP":
        return _address(ctype, value, keeper)
    if code == "c" and isinstance(value, str) and len(value.encode()) == 1:
        return value.encode()
    if code == "?" and not isinstance(value, int):
        raise Misfit
    try:
        ctype(value)
    except (TypeError, ValueError, OverflowError):
        raise Misfit from None
    return value


def _index(value: Any) -> int:
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):
        raise Misfit from None


def _address(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    """For `char *` and `void *`."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return value if keeper is None else keeper.strings.setdefault(value, value)
    if value is None or (isinstance(value, int) and -(1 << 63) <= value < 1 << 64):
        return value
    if isinstance(value, (_Pointer, Array, CFuncPtr, ctypes.c_void_p, ctypes.c_char_p)):
        if ctype._type_ == "z" and not _leads_to_characters(value):
            raise Misfit
        return ctypes.cast(value, ctype)
    if ctype._type_ == "P":
        if isinstance(value, _ByRef):
            value = value._obj
        if isinstance(value, CData):
            structure: Any = value
            return ctypes.cast(ctypes.pointer(structure), ctype)
        address = getattr(value, "address", None)
        if isinstance(address, int):
            if keeper is not None:
                keeper.objects.append(value)
            return address
        if callable(value):
            raise Misfit("a callable has no prototype here: pass an epy.callback")
    raise Misfit


def _leads_to_characters(value: Any) -> bool:
    if isinstance(value, (_Pointer, Array)):
        return getattr(type(value)._type_, "_type_", "") in ("c", "b", "B")
    return not isinstance(value, CFuncPtr)


def function_pointer(
    ctype: Any, value: Any, keeper: Keeper | None, classes: Classes, kind: Any
) -> Any:
    """A value for a function pointer, as an instance of `ctype`; `kind` is the function's type."""
    if value is None:
        return ctype()
    if isinstance(value, CFuncPtr):
        return ctypes.cast(value, ctype)
    address = value if isinstance(value, int) else getattr(value, "address", None)
    if isinstance(address, int):
        made = ctype(address & ((1 << 64) - 1))
        if keeper is not None and address is not value:
            keeper.objects.append(value)
        return made
    if isinstance(value, ctypes.c_void_p):
        return ctypes.cast(value, ctype)
    if not callable(value):
        raise Misfit
    if keeper is not None:
        made = keeper.callback(classes, kind, value)
    else:
        made = classes.callback(kind, value)
    return made if isinstance(made, ctype) else ctypes.cast(made, ctype)


def _pointer(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    target = ctype._type_
    if isinstance(value, _ByRef):
        value = value._obj
    if value is None:
        return None
    if isinstance(value, target):
        return ctype(value)
    if _are_alike(type(value), target):
        return ctypes.cast(ctypes.pointer(value), ctype)
    if isinstance(value, (list, tuple, dict)) and issubclass(target, Fields):
        target._epy_classes_.complete(target)
    if isinstance(value, (_Pointer, Array)):
        if _are_alike(type(value)._type_, target):
            return ctypes.cast(value, ctype)
    elif isinstance(value, ctypes.c_void_p):
        return ctypes.cast(value, ctype)
    elif isinstance(value, (list, tuple)):
        return ctypes.cast(_elements(target * len(value), value, keeper), ctype)
    elif isinstance(value, dict):
        return ctype(_whole(target, value))
    elif isinstance(value, (str, bytes)):
        if getattr(target, "_type_", "") in _BYTES:
            data = (value.encode() if isinstance(value, str) else value) + b"\0"
            return ctypes.cast((target * len(data)).from_buffer_copy(data), ctype)
    elif not isinstance(value, CData):
        return ctypes.cast(_on_buffer(target, value), ctype)
    raise Misfit


def _are_alike(one: Any, other: Any) -> bool:
    """Whether types are the same to C: arrays of headers are classes of their own."""
    if issubclass(one, Array) and issubclass(other, Array):
        return one._length_ == other._length_ and _are_alike(one._type_, other._type_)
    return issubclass(one, other)


def _on_buffer(target: Any, value: Any) -> Any:
    """An array on the memory of a bytearray, array.array, numpy array."""
    try:
        view = memoryview(value)
        if view.itemsize == ctypes.sizeof(target) and _holds(view.format, target):
            return (target * (view.nbytes // view.itemsize)).from_buffer(value)
    except (TypeError, ValueError, BufferError):
        pass
    raise Misfit


def _holds(format: str, target: Any) -> bool:
    """Whether items of a buffer's format are integers where the type is one, else real numbers."""
    code = getattr(target, "_type_", None)
    if not isinstance(code, str):
        return format[-1] not in "fdg"
    return (format[-1] in "fdg") == (code in "fdg")


def _array(ctype: Any, value: Any, keeper: Keeper | None) -> Any:
    element, length = ctype._type_, ctype._length_
    if isinstance(value, (str, bytes)) and getattr(element, "_type_", "") in _BYTES:
        data = value.encode() if isinstance(value, str) else value
        if len(data) > length:
            raise Misfit(f"it has {len(data)} bytes")
        data = data.ljust(length, b"\0")
        return data if element._type_ == "c" else ctype.from_buffer_copy(data)  # as ctypes has it
    if isinstance(value, str) and getattr(element, "_type_", "") == "u" and len(value) <= length:
        return ctype(*value)
    if isinstance(value, (list, tuple, Array)):
        if len(value) > length:
            raise Misfit(f"it has {len(value)} elements")
        return _elements(ctype, value, keeper)
    raise Misfit


def _elements(ctype: Any, values: Any, keeper: Keeper | None) -> Any:
    made = ctype()
    for index, value in enumerate(values):
        try:
            _set_array_item(made, index, convert(ctype._type_, value, keeper))
        except Misfit as misfit:
            raise Misfit(f"element {index} is {value!r}; {misfit}".rstrip("; ")) from None
    return made


def _whole(ctype: Any, value: Any) -> Any:
    """A struct or union from a tuple or dict of its fields."""
    if isinstance(value, tuple):
        return ctype(*value)
    if isinstance(value, dict):
        return ctype(**value)
    raise Misfit


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
            raise unknown_field(cls, name)
        classes = cls._epy_classes_
        keeper = None if _is_owned(self) else classes.keeper
        function = cls._epy_functions_.get(name)
        try:
            if function is not None:
                converted = function_pointer(Function, value, keeper, classes, function)
            else:
                converted = convert(classes.make(kind), value, keeper)
            object.__setattr__(self, name, converted)
        except (Misfit, TypeError, ValueError, OverflowError) as misfit:
            if isinstance(misfit, FieldError):
                raise
            raise _misfit(cls, name, classes.make(kind), value, misfit) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python asks for what it might do with any object
            raise AttributeError(name)
        raise unknown_field(type(self), name)

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


def unknown_field(cls: Any, name: str) -> UnknownFieldError:
    from difflib import get_close_matches

    near = get_close_matches(name, cls._epy_types_, 1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(cls._epy_types_) or 'none'}"
    return UnknownFieldError(f"{cls.__name__} has no field {name}: {hint}")


def _misfit(cls: Any, name: str, ctype: Any, value: Any, reason: Exception) -> FieldError:
    shown = repr(value)
    if len(shown) > 200:
        shown = shown[:200] + "..."
    why = f" ({reason})" if str(reason) else ""
    return FieldError(
        f"{cls.__name__}.{name} is `{declare(ctype, name)}`: {shown} does not fit{why}"
    )


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
        if isinstance(value, cls):
            return value
        try:
            return convert(cls, value, cls._epy_classes_.keeper)
        except Misfit as misfit:
            raise FieldError(
                f"`{declare(cls, '')}` is expected: {value!r} does not fit ({misfit})"
            ) from None


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


def _converted_item(owner: Any, index: int, value: Any, keeper: Keeper | None) -> Any:
    """A value for an item of a pointer or an array."""
    try:
        return convert(owner._type_, value, keeper)
    except Misfit as misfit:
        raise FieldError(
            f"[{index}] of `{declare(type(owner), '')}`: {value!r} does not fit {misfit}".rstrip()
        ) from None


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
        _set_array_item(self, index, _converted_item(self, index, value, keeper))


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
        _set_item(self, index, _converted_item(self, index, value, self._epy_classes_.keeper))

    @classmethod
    def from_param(cls, value: Any) -> Any:
        """As an argument of a C function: also lists, dicts and strings, for that call."""
        native: Callable[..., Any] = type(cls).from_param  # type: ignore[attr-defined]
        try:
            return native(cls, value)
        except TypeError:
            try:
                return convert(cls, value)
            except Misfit:
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
