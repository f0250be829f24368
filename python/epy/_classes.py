"""Definitions of a header -> ctypes classes, each made when something asks for it."""

from __future__ import annotations

import ctypes
import os
from _ctypes import FUNCFLAG_CDECL, Array, Structure, Union, _Pointer
from _thread import RLock, get_ident

from . import _core
from ._errors import HeaderNameError, SignatureError
from ._native import (
    callback_function,
    check_parameters,
    place,
    python_function,
    untyped_callback,
    unwrap,
)
from ._types import Signature, signature, simple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

_TEXT: dict[Any, Any] = {
    None: ctypes.c_void_p,
    "c_char": ctypes.c_char_p,
    "c_wchar": ctypes.c_wchar_p,
}
OPAQUE = ("?", "has no definition in this header")
_NUMBERS = {"c_char": "c_byte", "c_wchar": "c_int"}  # as bit-fields, characters are

_core.prepare_headers()

# Threads of a host that ask for the same class at once get one. For all headers, because a class of
# one may need another's (types=). What is made under it waits for nothing but modules of epy.
_making: Any = RLock()
os.register_at_fork(after_in_child=_making._at_fork_reinit)

BUILTIN_RESULTS = {
    "_Bool": "c_bool",
    "char": "c_char",
    "short": "c_short",
    "int": "c_int",
    "unsigned": "c_uint",
    "unsigned int": "c_uint",
    "long": "c_long",
    "unsigned long": "c_ulong",
    "long long": "c_longlong",
    "float": "c_float",
    "double": "c_double",
}
"""What `errors=` of a header may name besides typedefs and enums."""


class Classes:
    """The ctypes classes of one header."""

    def __init__(
        self,
        find: Callable[[str], Any],
        types: Mapping[str, Any],
        errors: Mapping[str, Any],
        kept: dict[Any, Any],
        module: str,
    ) -> None:
        self.find = find
        self.types = types
        self.errors = errors
        self.kept = kept  # until unload: what is stored in memory that Python does not own
        self.module = module  # of the classes: by it ctypes' caches forget them at unload
        self._made: dict[Any, Any] = {}
        self._members: dict[str, Any] = {}  # of enums
        self._signatures: dict[Any, Any] = {}  # of callbacks, by their type
        self._incomplete: dict[Any, Any] = {}  # class -> its definition, until it has its fields
        self._completing: dict[Any, int] = {}  # class -> the thread that gives it its fields

    def clear(self) -> None:
        """Forget all classes: before CPython 3.13 ctypes hides their cycles from the collector."""
        for made in (self._made, self._members, self._signatures, self._incomplete, self.kept):
            made.clear()

    def make(self, kind: Any) -> Any:
        """The class of a type, complete."""
        if kind is None:
            return None
        found = self.make_target(kind)
        if found in self._incomplete:
            self.complete(found)
        return found

    def named(self, kind: Any) -> Any:
        """What a script gets by name: a struct that is only declared serves for pointers."""
        if kind[0] == "t" and kind[1] in self.types:
            return self.types[kind[1]]
        found = self.make_target(kind)
        definition = self._incomplete.get(found)
        if definition is not None and definition != OPAQUE:
            self.complete(found)
        return found

    def make_target(self, kind: Any) -> Any:
        """The class of a type that a pointer leads to: a struct may not have its fields yet."""
        found = self._made.get(kind)
        if found is None:
            with _making:
                found = self._made.get(kind)
                if found is None:
                    found = self._made[kind] = self._make(kind)
        return found

    def _make(self, kind: Any) -> Any:
        if isinstance(kind, str):
            return simple(kind)
        what = kind[0]
        if what == "t":
            mapped = self.types.get(kind[1])
            if mapped is not None:
                return _in_memory(mapped)
            return self.make_target(self.definition(kind[1])[1])
        if what == "*":
            return self._pointer(kind[1])
        if what == "[":
            return self._array(self.make(kind[1]), kind[2])
        if what == "(":
            return self.function(kind)
        if what in ("struct", "union"):
            return self._record(kind)
        if what == "enum":
            return self._enum(kind[1])
        if what == "align":
            return self.make_target(kind[1])
        raise HeaderNameError(f"{kind[1]}: use void * or declare it as an array of bytes")

    def _subclass(self, name: str, bases: tuple[Any, ...], body: dict[str, Any]) -> Any:
        """A class of this header: by its module ctypes' caches forget it at unload."""
        body["_epy_classes_"] = self
        body["__module__"] = self.module
        return type(bases[-1])(name, bases, body)

    def definition(self, name: str) -> Any:
        found = self.find(name)
        if found is None:
            raise HeaderNameError(f"'{name}' is missing from the plugin: run `epy build` again")
        if found[0] == "?":
            raise HeaderNameError(f"{name} {found[1]}")
        return found

    def resolved(self, kind: Any) -> Any:
        """A type behind its typedefs, as far as they are not mapped."""
        while isinstance(kind, tuple) and kind[0] in ("t", "align"):
            if kind[0] == "t":
                if kind[1] in self.types:
                    break
                kind = self.definition(kind[1])[1]
            else:
                kind = kind[1]
        return kind

    # Enums

    def _enum(self, key: str) -> Any:
        definition = self.find(f"enum {key}")
        if definition is None:
            return simple("c_uint")
        from ._enums import enumerated

        return enumerated(simple(definition[1]), self.members(key))

    def members(self, key: str) -> Any:
        """The members of an enum that the header defines."""
        found = self._members.get(key)
        if found is None:
            from ._enums import Members

            name = key.strip("{}'").rpartition(".")[2]
            made = Members(name, self.find(f"enum {key}")[2], self.module)
            found = self._members.setdefault(key, made)
        return found

    def _defined_enum(self, kind: Any) -> Any:
        """The definition of an enum; None for any other type."""
        return (
            self.find(f"enum {kind[1]}") if isinstance(kind, tuple) and kind[0] == "enum" else None
        )

    # Functions

    def function(self, kind: Any, refined: tuple[Any, ...] | None = None) -> Any:
        """The class of pointers to a function. `refined`: its result and parameters, if others."""
        _, result, parameters, variadic = kind
        if refined is None:
            own, *others = self._parts(result, parameters)
            refined = (own, *map(_as_parameter, others))
        base: Any = _core.Function
        if variadic:
            from ._special_fields import VariadicFunction as base
        body = {
            "_flags_": FUNCFLAG_CDECL,
            "_restype_": refined[0],
            "_argtypes_": refined[1:],
            "_epy_kind_": kind,
            "_epy_error_": self._error(result),
        }
        return self._subclass("Function", (base,), body)

    def _parts(self, result: Any, parameters: tuple[Any, ...]) -> Iterator[Any]:
        """The classes of a function's result and parameters."""
        for number, kind in enumerate((result, *parameters)):
            try:
                yield self.make(kind)
            except HeaderNameError as reason:
                label = f"parameter {number}" if number else "the result"
                raise HeaderNameError(f"{label}: {reason}") from None

    def _error(self, result: Any) -> Any:
        while isinstance(result, tuple) and result[0] in ("t", "align"):
            if result[1] in self.errors:
                return self.errors[result[1]]
            result = self.definition(result[1])[1] if result[0] == "t" else result[1]
        if isinstance(result, tuple):
            return self.errors.get(f"enum {result[1]}") if result[0] == "enum" else None
        for name, value in self.errors.items():
            if result is not None and BUILTIN_RESULTS.get(name) == result:
                return value
        return None

    def callback(self, kind: Any, function: Any) -> Any:
        """A callback of a function type, as a function pointer without a prototype."""
        if getattr(unwrap(function), "__annotations__", None):  # they may refine the type
            function = python_function(function)
            return callback_function(
                function, self.signature(self.make(("*", kind)), function), None
            )
        found = self._signatures.get(kind)
        if found is None:
            result, *types = self._parts(kind[1], kind[2])
            found = self._signatures[kind] = signature(result, types)
        codes, classes = found
        return untyped_callback(_core.Function, function, codes, classes, self._error(kind[1]))

    def signature(self, ctype: Any, function: Any) -> Signature:
        """What the core needs to know of a Python function with this type."""
        try:
            found = Signature(ctype)
            if getattr(unwrap(function), "__annotations__", None):
                from ._signature import refined

                found = refined(ctype, function)
            check_parameters(function, len(found.classes) - 1)
        except SignatureError as error:
            raise SignatureError(f"{place(function)} {error}") from None
        return found

    # Pointers

    def _pointer(self, target: Any) -> Any:
        actual = self.resolved(target)
        if actual is None or isinstance(actual, str):
            found = _TEXT.get(actual)
            if found is not None:
                return found
        elif actual[0] == "(":
            return self.make_target(actual)
        elif actual[0] == "?":
            return ctypes.c_void_p
        inner = self.make_target(target)
        if not isinstance(inner, type):
            return ctypes.c_void_p
        if hasattr(inner, "_object_class_"):  # a handle: its pointers are ready
            return ctypes.POINTER(inner)
        body: dict[str, Any] = {"_type_": inner}
        if issubclass(inner, _core.Fields):
            made = self._subclass(f"LP_{inner.__name__}", (_core.StructPointer, _Pointer), body)
            ctypes._pointer_type_cache[inner] = made  # type: ignore[attr-defined]
            return made
        if hasattr(inner, "_epy_members_"):
            from ._enums import pointer_item

            body["__getitem__"] = pointer_item
        return self._subclass(f"LP_{inner.__name__}", (_core.Pointer, _Pointer), body)

    def _array(self, element: Any, length: int) -> Any:
        if element in (ctypes.c_char, ctypes.c_wchar):  # ctypes has them as texts
            return element * length
        body = {"_type_": element, "_length_": length}
        if hasattr(element, "_epy_members_"):
            from ._enums import array_item

            body["__getitem__"] = array_item
        return self._subclass(f"{element.__name__}_Array_{length}", (_core.Items, Array), body)

    # Structs and unions

    def _record(self, kind: Any) -> Any:
        definition = self.find(f"{kind[0]} {kind[1]}")
        name = definition[1] if definition and definition[0] != "?" else kind[1]
        native: Any = Structure if kind[0] == "struct" else Union
        made = self._subclass(name, (_core.Fields, native), {})
        if definition is not None:
            self._incomplete[made] = definition
        return made

    def complete(self, made: Any) -> None:
        """Give a struct or union its fields."""
        if made not in self._incomplete:
            return
        with _making:
            definition = self._incomplete.get(made)
            if definition is None or self._completing.get(made) == get_ident():
                return
            if definition[0] == "?":
                raise HeaderNameError(f"{made.__name__} {definition[1]}")
            self._completing[made] = get_ident()
            try:
                self._complete(made, definition)
            finally:
                del self._completing[made]
            del self._incomplete[made]

    def _complete(self, made: Any, definition: Any) -> None:
        _, _, _, packed, fields, anonymous, bits, names, obstacle = definition
        types = {name: kind for name, kind in fields if name}
        special: dict[str, Any] = {}
        functions: dict[str, Any] = {}
        enums: dict[str, str] = {}
        native = []
        for index, (name, kind) in enumerate(fields):
            actual = self.resolved(kind)
            enum = self._defined_enum(actual)
            if enum is not None:
                enums[name] = actual[1]
                kind = types[name] = enum[1]  # so that values are checked like others
            if not name:
                native.append((f"#storage{index}", self.make(kind)))
            elif isinstance(actual, tuple) and actual[0] == "*" and self._is_function(actual[1]):
                special[name] = _core.FunctionField
                functions[name] = self.resolved(actual[1])
                native.append((name, _core.Function))
            else:
                if isinstance(actual, tuple) and actual[0] == "[" and actual[2] == 0:
                    from ._special_fields import FlexibleArray

                    special[name] = FlexibleArray
                native.append((name, self.make(kind)))
        if packed:
            made._pack_ = 1
        made._fields_ = native
        for name, descriptor in special.items():
            setattr(made, name, descriptor(vars(made)[name], self.resolved(types[name]), self))
        if bits or anonymous:
            from ._special_fields import BitField, Through
        for name, kind, offset, shift, width, signed in bits:
            setattr(made, name, BitField(offset, shift, width, signed))
            actual = self.resolved(kind)
            enum = self._defined_enum(actual)
            if enum is not None:
                enums[name] = actual[1]
                actual = enum[1]
            types[name] = _NUMBERS.get(actual, actual) if isinstance(actual, str) else "c_longlong"
        if enums:
            from ._enums import EnumField
        for name, key in enums.items():
            setattr(made, name, EnumField(vars(made)[name], self.members(key)))
        for member in anonymous:
            inner = dict(native)[member]
            for name, kind in inner._epy_types_.items():
                if name not in types:
                    types[name] = kind
                    if name in inner._epy_functions_:
                        functions[name] = inner._epy_functions_[name]
                    setattr(made, name, Through(vars(made)[member], getattr(inner, name)))
        made._epy_functions_ = functions
        made._epy_made_ = {}
        made._epy_names_ = names
        made._epy_obstacle_ = obstacle
        made._epy_types_ = types  # the last: with it the class is complete

    def _is_function(self, kind: Any) -> bool:
        actual = self.resolved(kind)
        return isinstance(actual, tuple) and actual[0] == "("


def _in_memory(ctype: Any) -> Any:
    """What ctypes holds for a type: of an epy.Object class its handle."""
    return getattr(ctype, "_handle_type_", ctype)


def _as_parameter(ctype: Any) -> Any:
    """What a function's prototype has for a parameter of this type."""
    if ctype is not ctypes.c_char_p:
        return ctype
    from ._text import c_text

    return c_text
