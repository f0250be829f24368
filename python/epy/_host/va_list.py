"""C's `...` in Python: a `va_list`, what a printf format names in it, and the text that makes.

The values travel as those of any call (System V psABI x86-64, 3.2.3 "Parameter Passing" and 3.5.7
"Variable Argument Lists"): integers and pointers in six registers, doubles in eight, the rest on
the stack, and a long double always there. A `va_list` says where the next of each is.
"""

from __future__ import annotations

import ctypes
import re
from ctypes import (
    addressof,
    c_char_p,
    c_double,
    c_longdouble,
    c_size_t,
    c_uint,
    c_uint64,
    c_void_p,
    create_string_buffer,
    string_at,
    wstring_at,
)

from .._core import view
from .._errors import Error, SignatureError
from .._types import describe, scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

_GENERAL, _REAL = 6 * 8, 6 * 8 + 8 * 16  # where in the saved registers each kind ends


class _Tag(ctypes.Structure):
    """`va_list` itself: struct __va_list_tag[1]."""

    general: int
    real: int
    stack: int
    saved: int
    _fields_ = [
        ("general", c_uint),
        ("real", c_uint),
        ("stack", c_void_p),
        ("saved", c_void_p),
    ]


class VaList:
    """The values behind `...` of a C function: taken one by one, by their C types.

    ::

        @epy.export("int sum(int count, ...)")
        def sum(count, values):             # one parameter more than C names
            return sum(values.take(c_int) for _ in range(count))

    C does not say how many there are and of which types: take what the host passes, no more. A
    `va_list` that a host hands over is one too, `epy.VaList(va)`: a copy, as va_copy makes; what is
    taken here is still there for the host. It goes wherever a C function takes a `va_list`
    (`host.vsnprintf(buffer, size, format, values)`), and is used up like any.

    Its values are the host's, and last as long as the call: after it ViewError.
    """

    __slots__ = ("_alive", "_keep", "_tag")

    def __init__(self, va: Any) -> None:
        if isinstance(va, VaList):
            va._check()
        address = _address(va)
        self._tag = _Tag.from_buffer_copy(string_at(address, ctypes.sizeof(_Tag)))
        self._keep: object = va
        self._alive: Any = None
        try:
            self._alive = view(address, 1)
        except Error:
            pass  # no host calls: whoever made it knows how long it lasts

    @classmethod
    def of_registers(cls, words: Sequence[int], reals: Sequence[float], stack: int) -> VaList:
        """Of what a call has left in registers, the last ones, and where its stack goes on."""
        saved = (c_uint64 * (_REAL // 8))()
        general, real = _GENERAL - 8 * len(words), _REAL - 16 * len(reals)
        for index, word in enumerate(words, general // 8):
            saved[index] = word
        for index, number in enumerate(reals):
            c_double.from_buffer(saved, real + 16 * index).value = number
        tag = _Tag(general, real, stack, addressof(saved))
        made = cls(addressof(tag))
        made._keep = saved
        return made

    def take(self, ctype: Any) -> Any:
        """The next value, as a parameter of this C type arrives.

        Types are promoted as C does: a c_float was passed as a double, a c_short as an int.
        Raises SignatureError for what is no C type.
        """
        self._check()
        code, seen = describe(ctype)
        ctype = getattr(ctype, "_handle_type_", ctype)
        if code[0] == "{" or code in "FD":
            return ctype.from_buffer_copy(self._aggregate(ctype))
        if code == "f":
            return _shown(c_double.from_address(self._next_real()).value, ctype, seen)
        if code == "d":
            data = string_at(self._next_real(), 8)
        elif code == "g":
            data = string_at(self._next_on_stack(16, 16), 16)
        elif code == "v":
            raise SignatureError("epy.VaList.take(None): no value is void: give its C type")
        else:
            data = string_at(self._next_general(), 8)
        if code == "?":
            return any(data[:4])  # an int
        made = ctype.from_buffer_copy(data)
        if code in "@~":
            return made.object
        return made if seen is not None else made.value

    @property
    def _as_parameter_(self) -> int:
        self._check()
        return addressof(self._tag)

    def _check(self) -> None:
        if self._alive is not None:
            self._alive[0]  # raises after the call

    def _next_general(self) -> int:
        tag = self._tag
        if tag.general >= _GENERAL:
            return self._next_on_stack(8, 8)
        tag.general += 8
        return tag.saved + tag.general - 8

    def _next_real(self) -> int:
        tag = self._tag
        if tag.real >= _REAL:
            return self._next_on_stack(8, 8)
        tag.real += 16
        return tag.saved + tag.real - 16

    def _next_on_stack(self, size: int, alignment: int) -> int:
        place = -(-self._tag.stack // alignment) * alignment
        self._tag.stack = place + (size + 7) // 8 * 8
        return place

    def _aggregate(self, ctype: Any) -> bytes:
        """A struct by value: each eight bytes of a small one in a register, if all are left."""
        size = ctypes.sizeof(ctype)
        kinds = _eights(ctype) if size <= 16 else ""
        words, reals = kinds.count("i"), kinds.count("r")
        left = (_GENERAL - self._tag.general) // 8, (_REAL - self._tag.real) // 16
        if not kinds or words > left[0] or reals > left[1]:
            alignment = 16 if ctypes.alignment(ctype) > 8 else 8
            return string_at(self._next_on_stack(size, alignment), size)
        places = [self._next_real() if kind == "r" else self._next_general() for kind in kinds]
        return b"".join(string_at(place, 8) for place in places)[:size]


def _eights(ctype: Any) -> str:
    """How each eight bytes of a small struct travel: "r" as reals, "i"; "" if in memory."""
    kinds = ["r"] * ((ctypes.sizeof(ctype) + 7) // 8)
    for code, offset in scalars(ctype):
        if code == "g":
            return ""
        if code not in "fd":
            kinds[offset // 8] = "i"
    return "".join(kinds)


def _shown(value: float, ctype: Any, seen: Any) -> Any:
    return ctype(value) if seen is not None else ctype(value).value


def _address(va: Any) -> int:
    """Of a `va_list`, however it has arrived."""
    address = getattr(va, "_as_parameter_", va)
    if isinstance(address, (ctypes._Pointer, c_void_p)):
        address = c_void_p.from_buffer(address).value
    elif isinstance(address, ctypes._SimpleCData | ctypes.Structure | ctypes.Array):
        address = addressof(address)
    if address is not None and not isinstance(address, int):
        raise SignatureError(f"{va!r} is no va_list: give a parameter that has this type in C")
    if not address:
        raise ValueError("the va_list is NULL")
    return address


def format(template: str | bytes, va: Any, /) -> Any:
    """The text that printf makes of a format and a `va_list`: bytes of bytes, a str of a str.

    ::

        @host.callback("log_handler")          # void (*)(const char *format, va_list va)
        def log(template, va):
            lines.append(epy.format(template, va))

    The C library formats it, in the host's locale, as the host would. `va` is a parameter of that
    type, or an epy.VaList; it is copied, so that the host and later calls find it as it was. Format
    and values must fit each other, as for printf. Text of a str is UTF-8; what is none is escaped.
    Raises ValueError for a format that cannot be printed, and for NULL.
    """
    data = template.encode() if isinstance(template, str) else template
    if not isinstance(data, bytes):
        raise TypeError(f"a format is a str or bytes, not {template!r}")
    values = VaList(va)
    printf: Any = ctypes.CDLL(None).vsnprintf
    printf.argtypes = [c_void_p, c_size_t, c_char_p, c_void_p]
    size = 512
    while True:
        buffer = create_string_buffer(size)
        copy = _Tag.from_buffer_copy(values._tag)
        length = printf(buffer, size, data, addressof(copy))
        if length < 0:
            raise ValueError(f"{template!r}: cannot be printed")
        if length < size:
            break
        size = length + 1
    return buffer.value.decode(errors="backslashreplace") if data is not template else buffer.value


# What a printf format names

_LENGTHS = {b"hh": 8, b"h": 16, b"": 32}  # in bits, others have 64
_DIRECTIVE = re.compile(
    rb"%(?:%|[-+ #0'I]*(\*|\d*)(?:\.(\*|\d*))?(hh|h|ll|l|j|z|t|q|L)?([a-zA-Z])|.{0,4})", re.DOTALL
)


def values_of(template: bytes, values: VaList) -> Iterator[Any]:
    """The values that a format names; ValueError for a directive whose value cannot be taken."""
    for found in _DIRECTIVE.finditer(template):
        width, precision, length, kind = found.groups()
        if found[0] == b"%%" or kind == b"m":
            continue
        if kind is None:
            raise _unknown(found[0])
        if width == b"*":
            yield _integer(values, b"", True)
        most = int(precision or 0) if precision not in (None, b"*") else -1
        if precision == b"*":
            yield (most := _integer(values, b"", True))
        if kind in b"sS":
            yield _text(values, length == b"l" or kind == b"S", most)
        else:
            yield _value(values, kind, length or b"", found[0])


def _value(values: VaList, kind: bytes, length: bytes, directive: bytes) -> Any:
    if kind in b"di":
        return _integer(values, length, True)
    if kind in b"ouxXpn":
        return _integer(values, b"l" if kind in b"pn" else length, False)
    if kind == b"c":
        code = _integer(values, b"", False)
        return chr(code) if length == b"l" else bytes((code & 0xFF,))
    if kind in b"aAeEfFgG":
        return values.take(c_longdouble if length == b"L" else c_double)
    raise _unknown(directive)


def _text(values: VaList, is_wide: bool, most: int) -> Any:
    """None for NULL; where the format says how long it is at most, no NUL need follow."""
    address = values.take(c_void_p)
    if not address:
        return None
    read: Any = wstring_at if is_wide else string_at
    if most < 0:
        return read(address)
    measure: Any = getattr(ctypes.CDLL(None), "wcsnlen" if is_wide else "strnlen")
    measure.argtypes, measure.restype = (c_void_p, c_size_t), c_size_t
    return read(address, measure(address, most))


def _integer(values: VaList, length: bytes, signed: bool) -> int:
    bits = _LENGTHS.get(length, 64)
    value: int = values.take(c_uint64) & ((1 << bits) - 1)
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def _unknown(directive: bytes) -> ValueError:
    return ValueError(f"{directive!r} in a format of C: its value cannot be taken")
