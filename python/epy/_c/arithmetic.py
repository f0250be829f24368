"""C's arithmetic in Python: what the expressions that `expressions` writes may call.

An argument of a macro is what a literal of its value would be in C: an int has the first of int,
long and unsigned long that holds it, a float is a double. What is no number is passed on as it is.
"""

from __future__ import annotations

import ctypes
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def evaluate(text: str, header: Any) -> Any:
    """The function that `expressions` wrote for a macro of a header."""
    return eval(text, {"__builtins__": {}, **_PLAIN, **_of_header(header)})


class _Number:
    """A number of C; `bits` is 0 for a floating-point number, which is a float without `signed`."""

    __slots__ = ("bits", "signed", "value")

    def __init__(self, value: Any, bits: int = 32, signed: bool = True) -> None:
        if bits == 0:
            self.value = float(value) if signed else ctypes.c_float(value).value
        else:
            self.value = _wrap(int(value), bits, signed)
        self.bits = bits
        self.signed = signed


def _wrap(value: int, bits: int, signed: bool) -> int:
    number = value & ((1 << bits) - 1)
    return number - (1 << bits) if signed and number >> (bits - 1) else number


def _of(value: Any) -> Any:
    """A Python value as C has it."""
    code: Any = getattr(type(value), "_type_", None)
    if isinstance(value, ctypes._SimpleCData) and code in _NUMBERS:
        return _as(value.value, code)
    if isinstance(value, float):
        return _Number(value, 0)
    if isinstance(value, int):
        if -(1 << 31) <= value < 1 << 31:
            return _Number(value)
        return _Number(value, 64, value < 1 << 63)
    return value


def _as(value: Any, code: str) -> Any:
    """A number as ctypes' type with this code holds it."""
    if code in "fdg":
        return _Number(value, 0, code != "f")
    if code == "?":
        return _Number(bool(value), 8, False)
    return _Number(value, *_INTEGERS[code])


_INTEGERS = {
    "c": (8, True),
    "b": (8, True),
    "B": (8, False),
    "h": (16, True),
    "H": (16, False),
    "i": (32, True),
    "I": (32, False),
    "u": (32, True),
    "P": (64, False),
    "l": (64, True),
    "L": (64, False),
    "q": (64, True),
    "Q": (64, False),
}


_NUMBERS = {*_INTEGERS, *"?fdg"} - {"P"}


def _value(found: Any) -> Any:
    is_simple = isinstance(found, (_Number, ctypes.c_char_p, ctypes.c_wchar_p, ctypes.c_void_p))
    return found.value if is_simple else found


def _truth(found: Any) -> bool:
    return bool(_value(found))


def _common(one: Any, other: Any) -> tuple[int, bool] | None:
    """The type in which C computes with two numbers: bits, and whether it has a sign."""
    if not isinstance(one, _Number) or not isinstance(other, _Number):
        return None
    if not one.bits or not other.bits:
        return 0, any(not it.bits and it.signed for it in (one, other))
    types = [(it.bits, it.signed) if it.bits >= 32 else (32, True) for it in (one, other)]
    return max(types, key=lambda it: (it[0], not it[1]))


def _convert(found: Any, kind: tuple[int, bool]) -> Any:
    return _Number(found.value, *kind)


def _unary(mark: str, one: Any) -> Any:
    if mark == "!":
        return _Number(not _truth(one))
    one = _convert(one, _common(one, _Number(0)) or (0, True))
    value = ~one.value if mark == "~" else -one.value if mark == "-" else one.value
    return _Number(value, one.bits, one.signed)


def _beside(one: Any, other: Any) -> Any:
    """One byte that stands beside a number is a character."""
    is_character = isinstance(one, bytes) and len(one) == 1 and isinstance(other, _Number)
    return _as(one[0], "c") if is_character else one


def _quotient(one: float, other: float) -> float:
    """As IEC 60559 has it, Annex F of C."""
    if other:
        return one / other
    is_number = one != 0 and not math.isnan(one)
    return math.copysign(math.inf, one) * math.copysign(1, other) if is_number else math.nan


def _binary(mark: str, one: Any, other: Any) -> Any:
    one, other = _beside(one, other), _beside(other, one)
    kind = _common(one, other)
    if kind is None and mark in _OPERATORS:
        return _of_pointers(mark, one, other)
    if kind is None or (not kind[0] and mark in _OF_INTEGERS):
        raise TypeError(f"{mark} takes integers, not {_value(one)!r} and {_value(other)!r}")
    if mark in ("<<", ">>"):
        kind = _common(one, _Number(0)) or kind
        count = other.value
        # C leaves open what more would give. What a script passes to `x >> 32` may be a struct's 64
        # bits, of which only the lower are set: nothing is left.
        if mark == "<<" or count < 0:
            count &= kind[0] - 1
        return _Number(one.value << count if mark == "<<" else one.value >> count, *kind)
    one, other = _convert(one, kind).value, _convert(other, kind).value
    if mark in ("==", "!=", "<", ">", "<=", ">="):
        return _Number(_OPERATORS[mark](one, other))
    if mark in ("/", "%") and kind[0]:
        quotient = abs(one) // abs(other)
        quotient = quotient if (one < 0) == (other < 0) else -quotient
        return _Number(quotient if mark == "/" else one - other * quotient, *kind)
    return _Number(_OPERATORS[mark](one, other), *kind)


def _of_pointers(mark: str, one: Any, other: Any) -> Any:
    """What C computes with addresses: in steps of what they lead to."""
    if mark == "+" and isinstance(one, _Number):
        one, other = other, one
    target = getattr(type(one), "_type_", None)
    size = ctypes.sizeof(target) if isinstance(target, type) else 1
    if isinstance(other, _Number) and mark in ("+", "-"):
        moved = _OPERATORS[mark](_address(one), size * other.value)
        return ctypes.cast(ctypes.c_void_p(moved), type(one))
    found = _OPERATORS[mark](_address(one), _address(other))
    return _Number(found // size, 64) if mark == "-" else _Number(found)


def _address(one: Any) -> int:
    if isinstance(one, _Number):
        return int(one.value)
    return ctypes.cast(one, ctypes.c_void_p).value or 0


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _quotient,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


_OF_INTEGERS = ("%", "<<", ">>", "&", "|", "^")


def _choose(condition: Any, one: Callable[[], Any], other: Callable[[], Any], plain: bool) -> Any:
    """`?:`, whose type both have a say in: the other is computed too if it only computes."""
    if not _truth(condition):
        one, other = other, one
    found = one()
    if not plain:
        return found
    try:
        kind = _common(found, other())
    except (ArithmeticError, TypeError, ValueError):
        return found
    return found if kind is None else _convert(found, kind)


_PLAIN: dict[str, Any] = {
    "number": _Number,
    "of": _of,
    "single": lambda value: _Number(value, 0, False),
    "value": _value,
    "unary": _unary,
    "binary": _binary,
    "choose": _choose,
    "truth": lambda one, other, either: _Number(
        _truth(one) or _truth(other()) if either else _truth(one) and _truth(other())
    ),
    "member": lambda one, name: _of(getattr(one, name)),
    "item": lambda one, index: _of(one[_value(index)]),
}


def _of_header(header: Any) -> dict[str, Any]:
    """What needs the header's types, functions and variables."""
    make = header._classes.make

    def cast(one: Any, kind: Any) -> Any:
        if kind is None:
            return one
        ctype = make(kind)
        code = getattr(ctype, "_type_", None)
        if code == "c" and isinstance(one, bytes) and len(one) == 1:
            one = _Number(one[0])
        if isinstance(one, _Number) and isinstance(code, str) and code in _NUMBERS:
            return _as(one.value, code)
        if isinstance(code, str) and code in _NUMBERS:  # a pointer as a number
            return _as(_address(one), code)
        return ctypes.cast(ctypes.c_void_p(_address(one)), ctype)

    def pointer(one: Any, kind: Any) -> Any:
        return cast(one, kind) if isinstance(one, _Number) else one

    def variable(name: str) -> Any:
        found = getattr(header, name)
        return _of(getattr(found, "value", found))

    return {
        "cast": cast,
        "pointer": pointer,
        "size": lambda kind: _Number(ctypes.sizeof(make(kind)), 64, False),
        "alignment": lambda kind: _Number(ctypes.alignment(make(kind)), 64, False),
        "offset": lambda kind, name: _Number(getattr(make(kind), name).offset, 64, False),
        "variable": variable,
        "call": lambda name, *them: _of(getattr(header, name)(*map(_value, them))),
    }
