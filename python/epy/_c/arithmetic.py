"""C's integer arithmetic in Python: what the expressions that `_c.expressions` writes may call.

A plugin stores a header's macros with arguments as such expressions, so this imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def evaluate(text: str) -> Any:
    """The value of an expression that `_c.expressions` wrote."""
    return eval(text, dict(_NAMES))


def wrap(value: Any, bits: int, signed: bool) -> int:
    """A value as an integer type of C holds it."""
    number = int(value) & ((1 << bits) - 1)
    return number - (1 << bits) if signed and number >> (bits - 1) else number


def _divide(one: Any, other: Any) -> Any:
    if isinstance(one, float) or isinstance(other, float):
        return one / other
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def _remainder(one: Any, other: Any) -> Any:
    return one - other * _divide(one, other)


_NAMES = {
    "__builtins__": {},
    "wrap": wrap,
    "divide": _divide,
    "remainder": _remainder,
    "real": float,
    "truth": lambda value: int(bool(value)),
}
