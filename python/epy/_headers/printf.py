"""The values that C passes for `...` behind a printf format, for a Python function with `*values`.

C says nowhere how many there are and of which types: the format does. They travel as those of any
call (System V psABI x86-64, 3.2.3 "Parameter Passing" and 3.5.7 "Variable Argument Lists"):
integers and pointers in what the named arguments leave of six registers, doubles in what they leave
of eight, the rest on the stack, and a long double always there. So the callback has a parameter for
each of these registers and one for where the stack goes on, and the format says which of them hold
something.
"""

from __future__ import annotations

import re
from ctypes import c_double, c_longdouble, c_uint64, string_at, wstring_at

from .._errors import SignatureError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

INTEGERS = "?cbBhHiIlLqQPzsZu"  # codes of what travels in integer registers
REALS = "fd"
_REGISTERS = 6, 8
_LONG_DOUBLE = 16  # bytes, and its alignment
_LENGTHS = {b"hh": 8, b"h": 16, b"": 32}  # in bits, others have 64
_DIRECTIVE = re.compile(
    rb"%(?:%|[-+ #0'I]*(\*|\d*)(?:\.(\*|\d*))?(hh|h|ll|l|j|z|t|q|L)?([a-zA-Z])|.{0,4})", re.DOTALL
)


def places(codes: list[str]) -> tuple[int, int]:
    """How many registers of each kind the named arguments leave; SignatureError if one has none."""
    if (
        any(code not in INTEGERS + REALS + "g" for code in codes)
        or not codes
        or codes[-1] not in "zs"
    ):
        raise SignatureError(
            "takes *values, which are found by a printf format: a text, as the last named argument"
        )
    used = [sum(code in kind for code in codes) for kind in (INTEGERS, REALS)]
    return max(_REGISTERS[0] - used[0], 0), max(_REGISTERS[1] - used[1], 0)


def hidden(left: tuple[int, int]) -> str:
    """The codes of the parameters behind the named ones."""
    return "Q" * left[0] + "d" * left[1] + "."


def with_values(function: Callable[..., Any], count: int, left: tuple[int, int]) -> Any:
    """The function with `count` named arguments that is called with all places."""

    def call(*arguments: Any) -> Any:
        words = count + left[0]
        reals = words + left[1]
        values = _Values(arguments[count:words], arguments[words:reals], arguments[reals])
        text = arguments[count - 1] or b""
        format = text.encode() if isinstance(text, str) else text
        return function(*arguments[:count], *values.of(format))

    call.__name__ = getattr(function, "__name__", "call")
    return call


class _Values:
    """The places, taken one by one."""

    def __init__(self, words: Any, reals: Any, stack: int) -> None:
        self.words = iter(words)
        self.reals = iter(reals)
        self.stack = stack

    def of(self, format: bytes) -> Iterator[Any]:
        for found in _DIRECTIVE.finditer(format):
            width, precision, length, kind = found.groups()
            if found[0] == b"%%" or kind == b"m":
                continue
            if kind is None:
                raise _unknown(found[0])
            for star in (width, precision):
                if star == b"*":
                    yield self.integer(b"", True)
            yield self.value(kind, length or b"", found[0])

    def value(self, kind: bytes, length: bytes, directive: bytes) -> Any:
        if kind in b"di":
            return self.integer(length, True)
        if kind in b"ouxXpn":
            return self.integer(b"l" if kind in b"pn" else length, False)
        if kind == b"c":
            code = self.integer(b"", False)
            return chr(code) if length == b"l" else bytes((code & 0xFF,))
        if kind == b"s":
            address = self.word()
            if not address:
                return None
            return wstring_at(address) if length == b"l" else string_at(address)
        if kind in b"aAeEfFgG":
            return self.long_double() if length == b"L" else self.real()
        raise _unknown(directive)

    def word(self) -> int:
        for value in self.words:
            return int(value)
        return c_uint64.from_address(self.take(8)).value

    def integer(self, length: bytes, signed: bool) -> int:
        bits = _LENGTHS.get(length, 64)
        value = self.word() & ((1 << bits) - 1)
        return value - (1 << bits) if signed and value >> (bits - 1) else value

    def real(self) -> float:
        for value in self.reals:
            return float(value)
        return c_double.from_address(self.take(8)).value

    def long_double(self) -> float:
        return c_longdouble.from_address(self.take(_LONG_DOUBLE)).value

    def take(self, size: int) -> int:
        """The address of the next value of this size on the stack, which is aligned to it."""
        address = -(-self.stack // size) * size
        self.stack = address + size
        return address


def _unknown(directive: bytes) -> ValueError:
    return ValueError(f"{directive!r} in a format of C: its value cannot be taken")
