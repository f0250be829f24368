"""The C types of signatures: their codes for the core, their names in expressions.

The README has the table of types and of what Python sees of them.
"""

import ctypes
from _ctypes import Array, CFuncPtr, _Pointer, _SimpleCData
from _weakref import ReferenceType

from . import _core, _errors
from ._native import Signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

CData: type = _SimpleCData.__mro__[1]  # the base of every ctypes type

_SIMPLE = frozenset("?cbBhHiIlLqQfdgFDuzsZPO")  # the codes (see _core.pyi) of simple types
# ctypes has complex types since 3.14, and names them otherwise since 3.15.
_COMPLEX = {"Zf": "F", "Zd": "D"}
_MOST_IN_REGISTERS = 16  # bytes; a larger struct travels in memory whatever it holds


_LATER = ("c_float_complex", "c_double_complex")


class _Names(dict[str, object]):
    """epy's own types are loaded when one is named."""

    def __missing__(self, name: str) -> object:
        if name == "variadic":
            from ._headers.variadic import variadic_type

            return variadic_type
        if name not in _LATER:
            raise KeyError(name)
        from ._host import values

        return getattr(values, name)


# What a stored prototype's expression may name, besides the script's own types.
simple_types = _Names(
    (name, value)
    for name, value in vars(ctypes).items()
    if (name.startswith("c_") and not name.endswith("_complex"))
    or name in ("CFUNCTYPE", "POINTER", "py_object")
)
simple_types["PyObject"] = ctypes.py_object  # in headers, behind pointers


def evaluate(expression: str, namespace: "dict[str, Any]") -> "Any":
    """The ctypes type that an expression made by `_c.prototype` stands for."""
    return eval(expression, dict(namespace), simple_types)


def plain_codes(expression: str) -> str:
    """The codes of a stored prototype's expression that names plain types of C alone, else ""."""
    if "variadic" in expression:
        return ""
    try:
        found = of_function_type(eval(expression, {"__builtins__": {}}, simple_types))
    except (NameError, _errors.SignatureError):
        return ""
    return "" if any(found.classes) else found.codes


def class_of_code(code: str) -> "Any":
    """The ctypes class that a code of a plain type stands for; None for void."""
    if not _by_code:
        from ._host.values import c_str

        for ctype in (*simple_types.values(), *map(simple_types.__getitem__, _LATER), c_str):
            if isinstance(ctype, type):
                _by_code.setdefault(describe(ctype)[0], ctype)
    return None if code == "v" else _by_code[code]


_by_code: "dict[str, Any]" = {}


def native_address(function: "CFuncPtr") -> int:
    """What a ctypes function object points to."""
    return ctypes.c_void_p.from_buffer(function).value or 0


def pointer_types() -> "Any":
    """What ctypes keeps of them, by what they point to; since 3.14 that has them itself."""
    return vars(ctypes).get("_pointer_type_cache", {})


def forget_types(root: str, modules: "Iterable[object]") -> list[object]:
    """Take the types of the modules, which are those below `root`, out of ctypes' caches; returns
    them.

    Those keep for ever what they hold, and with a class of a script all of its module.
    """
    ours: Any = ctypes
    forgotten: list[object] = []
    own = _function_types(modules)
    for cache in (ours._c_functype_cache, pointer_types(), _core.array_types()):
        if isinstance(cache, dict):  # since 3.14 pointer types are kept by what they point to
            for key in list(cache):  # classes of handles leave it when they die: at any moment
                if _mentions(key() if isinstance(key, ReferenceType) else key, root, own):
                    forgotten += key, cache.pop(key, None)
    return forgotten


def _function_types(modules: "Iterable[object]") -> "frozenset[int]":
    """The ids of those that the modules have, and that ctypes makes anew each time (PYFUNCTYPE):
    they do not say whose they are."""
    ours: Any = ctypes
    kept = set(map(id, list(ours._c_functype_cache.values())))
    return frozenset(
        id(one)
        for module in modules
        if isinstance(module, type(ctypes))
        for one in list(vars(module).values())
        if isinstance(one, type) and issubclass(one, CFuncPtr) and id(one) not in kept
    )


def _mentions(ctype: "Any", root: str, own: "frozenset[int]") -> bool:
    """Whether a ctypes type, or a tuple with some, is one of `own` or made of these modules."""
    if isinstance(ctype, tuple):
        return any(_mentions(one, root, own) for one in ctype)
    if not isinstance(ctype, type):
        return False
    if id(ctype) in own:
        return True
    # Not by attribute: a type may have none, or anything in its place.
    module = type.__getattribute__(ctype, "__dict__").get("__module__")
    if isinstance(module, str) and (module == root or module.startswith(root + ".")):
        return True
    if issubclass(ctype, (_Pointer, Array)):
        return _mentions(getattr(ctype, "_type_", None), root, own)
    if issubclass(ctype, CFuncPtr):
        function: Any = ctype
        parts = (
            getattr(function, "_restype_", None),
            *(getattr(function, "_argtypes_", None) or ()),
        )
        return _mentions(parts, root, own)
    return False


def describe(ctype: "Any") -> "tuple[str, Any]":
    """The code of a parameter's or result's type, and what Python sees instead of its plain value.

    That is None, a class, or a dict: see _core.pyi.

    Raises SignatureError with the second half of a sentence that begins with what is wrong.
    """
    if ctype is None:
        return "v", None
    handle: Any = getattr(ctype, "_handle_type_", ctype)
    if hasattr(handle, "_is_consumed_"):
        return "~" if handle._is_consumed_ else "@", handle._object_class_()
    if not _is_ctype(ctype):
        shown = ctype.__name__ if isinstance(ctype, type) else repr(ctype)
        raise _errors.SignatureError(
            f"has the type {shown}, which is no C type: "
            "use one of ctypes, such as c_int or c_char_p"
        )
    own: str | None = ctype.__dict__.get("_epy_code_")
    if own is not None:
        return own, None
    if issubclass(ctype, _SimpleCData):
        code: Any = getattr(ctype, "_type_", "")
        code = _COMPLEX.get(code, code)
        if code in _SIMPLE and getattr(ctype, "__ctype_le__", ctype) in ctype.__mro__:
            if ctype.__base__ is _SimpleCData:
                return code, None
            return code, getattr(ctype, "_epy_members_", ctype)  # of an enum its members
        raise _errors.SignatureError(f"has the type {ctype.__name__}, which is not supported")
    if issubclass(ctype, (_Pointer, CFuncPtr)):
        return "P", ctype
    if issubclass(ctype, Array):
        return "P", ctypes.POINTER(ctype._type_)  # C passes its address
    size = ctypes.sizeof(ctype)
    if size == 0:
        raise _errors.SignatureError(
            f"is a {ctype.__name__} by value, which has no fields: give it _fields_, "
            f"or use POINTER({ctype.__name__})"
        )
    if getattr(ctype, "_epy_obstacle_", ""):
        raise _errors.SignatureError(
            f"is a {ctype.__name__} by value, which {ctype._epy_obstacle_}: use a pointer to it"
        )
    found = scalars(ctype) if size <= _MOST_IN_REGISTERS else ()
    inner = "".join(f";{code}{offset}" for code, offset in found)
    return f"{{{size},{ctypes.alignment(ctype)}{inner}}}", ctype


def is_c_type(ctype: "Any") -> bool:
    """Whether a signature takes it: a type of ctypes, a class of epy.Object."""
    return _is_ctype(ctype) or hasattr(ctype, "_handle_type_")


def _is_ctype(ctype: "Any") -> bool:
    return isinstance(ctype, type) and issubclass(ctype, CData)


def scalars(ctype: "Any", start: int = 0) -> "Iterator[tuple[str, int]]":
    """Code and offset of each scalar in a type; of a bit-field, the bytes that it touches."""
    if issubclass(ctype, (_Pointer, CFuncPtr)):
        yield "P", start
    elif issubclass(ctype, _SimpleCData):
        yield _COMPLEX.get(ctype._type_, ctype._type_), start
    elif issubclass(ctype, Array):
        element: Any = ctype._type_
        for index in range(ctype._length_):
            yield from scalars(element, start + index * ctypes.sizeof(element))
    else:
        for base in reversed(ctype.__mro__):
            for name, field_type, *bits in base.__dict__.get("_fields_", ()):
                field = base.__dict__[name]
                if bits and field.offset < 0:
                    raise _errors.SignatureError(
                        f"has {base.__name__}.{name}, a bit-field that ctypes misplaces: "
                        "give the union an integer instead"
                    )
                if bits:
                    first = 8 * field.offset + (field.size & 0xFFFF)
                    for byte in range(first // 8, (first + bits[0] + 7) // 8):
                        yield "B", start + byte
                else:
                    yield from scalars(field_type, start + field.offset)


def signature(
    result: "Any", arguments: "Iterable[Any]", names: tuple[str, ...] = ()
) -> tuple[str, tuple[type | None, ...]]:
    """The codes and classes of a C function: of the result, then of each parameter."""
    if isinstance(result, type) and issubclass(result, Array):
        element: Any = result._type_
        raise _errors.SignatureError(
            f"the result is an array, which C cannot return: use POINTER({element.__name__})"
        )
    described = [_described("the result", result)]
    if described[0][0] == "~":
        raise _errors.SignatureError("the result cannot be Consumed: name the class itself")
    if isinstance(described[0][1], dict):
        described[0] = described[0][0], None  # any int is a result
    for index, ctype in enumerate(arguments):
        label = f"parameter '{names[index]}'" if names else f"parameter {index + 1}"
        if ctype is None:
            raise _errors.SignatureError(f"{label} is void: leave it out")
        described.append(_described(label, ctype))
    return "".join(code for code, _ in described), tuple(cls for _, cls in described)


def split(codes: str) -> list[str]:
    """The code of the result, then of each parameter."""
    found = []
    while codes:
        length = codes.index("}") + 1 if codes[0] == "{" else 1
        found.append(codes[:length])
        codes = codes[length:]
    return found


def _described(label: str, ctype: "Any") -> tuple[str, type | None]:
    try:
        return describe(ctype)
    except _errors.SignatureError as error:
        raise _errors.SignatureError(f"{label} {error}") from None
    except RecursionError:
        raise _errors.SignatureError(
            f"{label} nests structs too deeply, or so do the calls here"
        ) from None


class Buffer:
    """A parameter's annotation: memory of the host with its number of items, as a memoryview.

    ::

        @epy.export
        def mean(samples: epy.Buffer(c_double, "count"), count: c_size_t) -> c_double:
            return sum(samples) / count

    In C the parameter is a pointer to `type` (None: `void *`, of bytes), and `count` is the name of
    another parameter of the function, of an integer type: how many items there are. `writable`
    lets Python write to them. The memoryview is what `epy.view` gives, and ends with the call like
    that. NULL is None, with a count of 0 an empty view. A negative count is a ViewError: the
    function does not run, the host gets the error value.

    Raises SignatureError for what is no ctypes type; the decorator does for one that cannot be
    viewed (an array) and for a `count` that names no integer parameter.
    """

    __slots__ = ("count", "type", "writable")

    def __init__(self, type: "Any", count: str, writable: bool = False) -> None:
        if not isinstance(count, str):
            raise _errors.SignatureError(
                f"epy.Buffer(..., {count!r}): name the parameter that holds the number of items"
            )
        if type is not None and not _is_ctype(type):
            raise _errors.SignatureError(
                f"epy.Buffer({type!r}, {count!r}): give the ctypes type of the items, or None"
            )
        self.type = type
        self.count = count
        self.writable = writable

    @property
    def pointer(self) -> "Any":
        """The C type of the parameter."""
        return ctypes.POINTER(self.type)


def of_function_type(prototype: "type[CFuncPtr]", name: str = "", text: str = "") -> "Signature":
    """The signature that a ctypes function type stands for."""
    arguments = getattr(prototype, "_argtypes_", None)
    if arguments is None:
        raise _errors.SignatureError(
            "its ctypes function type has no parameters: use CFUNCTYPE(...)"
        )
    codes, classes = signature(getattr(prototype, "_restype_", None), arguments)
    return Signature(codes, classes, name, text, prototype)


def count_buffer(found: "Signature", index: int, buffer: "Buffer", names: tuple[str, ...]) -> None:
    """Let parameter `index` be a view of as many items as another parameter says."""
    counted = names.index(buffer.count) if buffer.count in names else None
    arguments: Any = getattr(found.prototype, "_argtypes_", None)
    if counted is None or describe(arguments[counted])[0] not in "bBhHiIlLqQ":
        raise _errors.SignatureError(
            f"parameter '{names[index]}' is a Buffer whose count '{buffer.count}' is no "
            "integer parameter of the function: name the one that holds the number of items"
        )
    viewed = buffer.type, counted, buffer.writable
    found.classes = (*found.classes[: index + 1], viewed, *found.classes[index + 2 :])
