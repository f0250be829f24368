"""Handles: opaque pointers that stand for Python objects in a host's hands."""

from __future__ import annotations

import ctypes
import sys
from _ctypes import _Pointer
from _weakref import ReferenceType

from .. import _core
from .._errors import InvalidHandleError, SignatureError
from .._script import find_script
from .._types import pointer_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Annotated, Any, TypeVar


class Object:
    """Base class of Python objects that a host holds by an opaque pointer, a *handle*.

    A subclass stands where a signature has such a pointer (`void *`, or `T *` of a type that the
    host knows nothing of)::

        class Gain(epy.Object): ...

        @epy.export
        def instantiate(rate: c_double) -> Gain: ...               # the host owns a reference
        @epy.export
        def run(gain: Gain, count: c_int) -> c_int: ...            # the same object
        @epy.export
        def cleanup(gain: epy.Consumed[Gain]) -> None: ...         # takes the reference back

    *Ownership.* Each time a handle leaves Python (as a result, in a field, through an
    out-parameter, as an argument of a C function) the host has one reference more, and an
    `epy.Consumed` parameter takes one back. While the host has any, the object lives, whatever
    Python has dropped, also as part of a reference cycle; its handle stays the same pointer. None
    and NULL stand for each other.

    *Untyped pointers.* Where the host's header has `void *`, as for user data, the object itself
    may be given: as an argument, in a field, through an out-parameter, as a result. What comes
    back there is an address, `Gain.from_handle(address)` its object.

    *Errors.* A pointer that is no live handle, or one of an object of another class, makes the call
    fail with InvalidHandleError: it is reported and the host gets the error value. Any pointer may
    come: none is followed before it is known. The memory of a handle that was given back serves
    another object only after 4,096 later ones were given back; then an old pointer can mean it.

    *Plugins and threads.* A handle belongs to the plugin that first gave it out: when that is
    unloaded its handles become invalid and their objects go. Until then every plugin of the process
    may take it, if the class fits; `epy.Object` fits every handle. Any thread may pass a handle;
    the object is used under the GIL, by as many threads as the host calls from.

    *ctypes.* `CFUNCTYPE(c_int, Gain)`, `POINTER(Gain)` and C prototypes take the class itself
    (`handle[0] = Gain()` fills an out-parameter, `handle[0]` gives the object). Fields of
    structures and arrays need a C type: `Gain._handle_type_`, a `c_void_p` that is made of a Gain
    and gives it as its `.object`. One that Python makes and drops again, without that it was
    copied, passed to C or its `.value` read, takes its reference back. In a CFUNCTYPE it also lets
    a Python before 3.13 forget the class when the plugin is unloaded.

    *C functions that Python calls.* A result of type Gain (`CFUNCTYPE(Gain, c_int)`,
    `function.restype = Gain`, a header's typedef) is the object; the reference stays with who has
    it. If the function hands it over, the type is `epy.Consumed[Gain]`. An argument gives the host
    a reference more, unless the call is refused because another argument does not convert.
    """

    __slots__ = ()

    _handle_type_: type[_Handle]
    _consumed_type_: type[_Handle]
    _follows_reload_ = False
    from_param: Callable[[Any], Any]
    """How ctypes passes the object to a C function."""

    def __init_subclass__(cls, *, reload: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._follows_reload_ = reload
        _add_types(cls)

    @property
    def _as_parameter_(self) -> Any:
        """Its handle, where any pointer fits; ctypes and the core ask for it."""
        made = self._handle_type_(self)
        _core.note_argument(made)
        return made

    @classmethod
    def from_handle(cls, pointer: Any) -> Any:
        """The object that the host's pointer stands for, None for NULL; the reference stays.

        For what has no type that names the class: a `void *` that a function of the host returned,
        a struct's field. `pointer` is an address or a pointer. InvalidHandleError if it is no
        handle of an object of this class.
        """
        from .address import address

        return _core.resolve_handle(address(pointer), cls, False)


if TYPE_CHECKING:
    _T = TypeVar("_T", bound=Object)
    Consumed = Annotated[_T, "consumed"]
else:

    class Consumed:
        """`epy.Consumed[Gain]`: a parameter by which the host gives its reference back.

        The function gets the object. Its handle is invalid from then on, unless the host was given
        it more than once: it must give it back as often. The reference is taken back also if the
        function raises. Arguments are converted from left to right: if one before it is refused,
        the reference stays with the host.
        """

        def __class_getitem__(cls, item):
            if not (isinstance(item, type) and issubclass(item, Object)):
                raise SignatureError(
                    f"epy.Consumed[{getattr(item, '__name__', item)}]: "
                    "give a subclass of epy.Object"
                )
            return item._consumed_type_


def fits_but_for_a_reload(value: object, expected: type[Object]) -> bool:
    """Whether the object's class is the expected one as it was before a reload, or is after it.

    Hosts have handles that were made before, or by calls that were under way then; and some of
    their callbacks go on in the old code. Modules of plugins have names of their own.
    """
    wanted = expected.__module__, expected.__qualname__
    return "<locals>" not in wanted[1] and any(
        (one.__module__, one.__qualname__) == wanted for one in type(value).__mro__
    )


def release(value: Object) -> None:
    """Take back one of the references that the host has to an object, as `Consumed` does.

    For a host that says by other means that it does not need the object any more. Its handle is
    invalid once the host has no reference left. Raises InvalidHandleError if it has none.
    """
    if not _core.release_handle(value):
        raise InvalidHandleError(f"the host has no reference to {value!r}")


_pointer_of: Any = vars(ctypes.c_void_p.__base__)["value"]


class _Handle(ctypes.c_void_p):
    """The pointer itself, as ctypes sees it. One subclass for each class of objects.

    It refers to that class weakly: function types of ctypes keep what they are made of in places
    that Python's garbage collector did not see before 3.13, so that a script would never go.
    """

    _object_class_: ReferenceType[type[Object]]
    _is_consumed_ = False
    _made_of_: Object | None = None  # it gave the host a reference
    _has_left_ = False  # to the host, which may hold that reference

    def __init__(self, value: Object | None = None) -> None:
        super().__init__(_core.give_handle(value, self._owner(), find_script().native))
        if value is not None:
            self._made_of_ = value

    def __del__(self) -> None:
        if self._made_of_ is not None:
            _core.take_handle_back(self, self._made_of_)

    @property
    def value(self) -> int | None:
        """The pointer as a number, which may go anywhere."""
        self._has_left_ = True
        return _pointer_of.__get__(self)  # type: ignore[no-any-return]

    @value.setter
    def value(self, value: int | None) -> None:
        self._has_left_ = True
        _pointer_of.__set__(self, value)

    @property
    def object(self) -> Any:
        """The object that it stands for, None for NULL. InvalidHandleError if it is no handle."""
        return _core.resolve_handle(_pointer_of.__get__(self) or 0, self._owner(), False)

    @classmethod
    def _owner(cls) -> type[Object]:
        owner = cls._object_class_()
        if owner is None:
            raise InvalidHandleError(f"the class of {cls.__name__} is gone with its plugin")
        return owner

    @classmethod
    def from_param(cls, value: Any) -> Any:
        if isinstance(value, cls):
            return value
        made = cls(value)
        _core.note_argument(made)
        return made

    @staticmethod
    def _check_retval_(result: _Handle) -> Any:
        """What a C function that returns a handle gives."""
        return _core.resolve_handle(
            _pointer_of.__get__(result) or 0, result._owner(), result._is_consumed_
        )


class _HandlePointer(_Pointer):  # type: ignore[type-arg]
    """`POINTER(Gain)`: its items are objects."""

    _type_ = _Handle

    def __getitem__(self, index: Any) -> Any:
        found: Any = super().__getitem__(index)
        return [item.object for item in found] if isinstance(index, slice) else found.object

    def __setitem__(self, index: Any, value: Any) -> None:
        if self and not isinstance(value, ctypes.c_void_p):
            value = self._type_(value)
        super().__setitem__(index, value)


class _Key(ReferenceType):  # type: ignore[type-arg]
    """A class as a key of ctypes' cache of pointer types, which it leaves when the class dies.

    The cache would keep the class for ever, and with it all that a script makes classes of.
    """

    __slots__ = ("others",)
    others: tuple[_Key, ...]  # which leave with it
    __hash__ = ReferenceType.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, type) and self() is other)


def _forget(key: _Key) -> None:
    for one in (key, *key.others):
        pointer_types().pop(one, None)


def _add_types(owner: type[Object]) -> None:
    """Give a class its ctypes types, and let ctypes' POINTER know them."""
    name = owner.__name__
    common = {"_object_class_": ReferenceType(owner), "__module__": owner.__module__}
    metaclass: Any = type(_Handle)
    owner._handle_type_ = handle = metaclass(f"{name}_handle", (_Handle,), common)
    owner._consumed_type_ = metaclass(
        f"{name}_consumed", (handle,), {**common, "_is_consumed_": True}
    )
    owner.from_param = handle.from_param
    metaclass = type(_HandlePointer)
    pointer = metaclass(f"LP_{name}", (_HandlePointer,), {**common, "_type_": handle})
    if sys.version_info >= (3, 14):
        owner.__pointer_type__ = handle.__pointer_type__ = pointer
    else:
        of_handle, of_owner = _Key(handle), _Key(owner, _forget)
        of_owner.others = (of_handle,)
        for key in (of_owner, of_handle):
            pointer_types()[key] = pointer


_add_types(Object)
_core.use_handles(Object, _Handle, ctypes.ArgumentError)
