"""C constant expressions -> Python expressions with the same value.

They follow C's conversions (C17 6.3.1): `0xffffffff + 1` is 0, `~0UL` is 2**64 - 1. A macro's
parameter is whatever Python value the caller gives; nothing is converted for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pycparser import c_ast

from .arithmetic import evaluate


class Unsupported(Exception):
    """Something of C that Python cannot hold. The text is the reason, without a subject."""


class Integer(NamedTuple):
    """An integer type."""

    bits: int
    signed: bool


class Typed(NamedTuple):
    """A Python expression, and the C type of its value."""

    text: str
    kind: Any  # an Integer, float, bytes, str, or None if unknown; of a cast also bool


INT = Integer(32, True)
LONG = Integer(64, True)
POINTER = Integer(64, False)

_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_ESCAPES = {
    **dict(zip("abfnrtv", b"\a\b\f\n\r\t\v", strict=True)),
    **{c: ord(c) for c in "\\'\"?"},
    "e": 27,
}


class Expressions:
    """Translates expressions in which `constants` are known.

    `cast` gives the kind of a type's node, `size` its size, or with True its alignment, `offset` a
    member's place in a type.
    """

    def __init__(
        self,
        constants: Mapping[str, Any],
        cast: Callable[[Any], Any],
        size: Callable[[Any, bool], int],
        offset: Callable[[Any, Any], int],
    ) -> None:
        self.constants = constants
        self.cast = cast
        self.size = size
        self.offset = offset

    def value(self, node: Any) -> Any:
        """The value of a constant expression. Raises Unsupported."""
        return self.evaluate(self.translate(node, ()).text)

    def integer(self, node: Any) -> int:
        """The same where C wants an integer."""
        value = self.value(node)
        if not isinstance(value, int):
            raise Unsupported("is no integer")
        return value

    def function(self, node: Any, parameters: list[str]) -> str:
        """A Python lambda for a macro with parameters."""
        body = self.translate(node, tuple(parameters)).text
        return f"lambda {', '.join('p_' + name for name in parameters)}: {body}"

    def evaluate(self, text: str) -> Any:
        try:
            return evaluate(text)
        except ZeroDivisionError:
            raise Unsupported("divides by zero") from None
        except (ArithmeticError, TypeError, ValueError, MemoryError, RecursionError) as error:
            raise Unsupported(f"has no value ({error})") from None

    def translate(self, node: Any, parameters: tuple[str, ...]) -> Typed:
        if isinstance(node, c_ast.Constant):
            return _constant(node)
        if isinstance(node, c_ast.ID):
            return self._name(node.name, parameters)
        if isinstance(node, c_ast.UnaryOp):
            return self._unary(node, parameters)
        if isinstance(node, c_ast.BinaryOp):
            one, other = (self.translate(part, parameters) for part in (node.left, node.right))
            return _binary(node.op, one, other)
        if isinstance(node, c_ast.TernaryOp):
            condition, one, other = (
                self.translate(part, parameters) for part in (node.cond, node.iftrue, node.iffalse)
            )
            kind = one.kind
            if not {one.kind, other.kind} & {bytes, str}:
                kind = _common(one.kind, other.kind)
                one, other = _convert(one, kind), _convert(other, kind)
            return Typed(f"({one.text} if {condition.text} else {other.text})", kind)
        if isinstance(node, c_ast.Cast):
            return _convert(self.translate(node.expr, parameters), self.cast(node.to_type))
        if isinstance(node, c_ast.FuncCall):
            if isinstance(node.name, c_ast.ID) and node.name.name in (
                "offsetof",
                "__builtin_offsetof",
            ):
                return Typed(str(self.offset(*node.args.exprs)), POINTER)
            called = node.name.name if isinstance(node.name, c_ast.ID) else "a function"
            raise Unsupported(f"calls {called}")
        raise Unsupported("is no constant expression")

    def _name(self, name: str, parameters: tuple[str, ...]) -> Typed:
        if name in parameters:
            return Typed(f"p_{name}", None)
        value = self.constants.get(name)
        if value is None:
            raise Unsupported(f"uses {name}, which is no constant")
        kind = (
            type(value)
            if not isinstance(value, int)
            else INT
            if -(2**31) <= value < 2**31
            else LONG
        )
        if kind is LONG and value >= 2**63:
            kind = POINTER
        return Typed(repr(value), kind)

    def _unary(self, node: Any, parameters: tuple[str, ...]) -> Typed:
        if node.op in ("sizeof", "_Alignof"):
            operand = node.expr
            if isinstance(operand, c_ast.Constant) and operand.type == "string":
                return Typed(str(len(evaluate(_constant(operand).text)) + 1), POINTER)
            if not isinstance(operand, c_ast.Typename):
                raise Unsupported(f"takes {node.op} of an expression")
            return Typed(str(self.size(operand, node.op == "_Alignof")), POINTER)
        if node.op not in ("+", "-", "~", "!"):
            raise Unsupported("is no constant expression")
        operand = self.translate(node.expr, parameters)
        if operand.kind in (bytes, str):
            raise Unsupported("is no constant expression")
        if node.op == "!":
            return Typed(f"truth(not {operand.text})", INT)
        return _wrapped(f"({node.op}{operand.text})", _promoted(operand.kind))


def _binary(op: str, one: Typed, other: Typed) -> Typed:
    if bytes in (one.kind, other.kind) or str in (one.kind, other.kind):
        raise Unsupported("is no constant expression")
    if op in ("&&", "||"):
        word = "and" if op == "&&" else "or"
        return Typed(f"truth({one.text} {word} {other.text})", INT)
    kind = _common(one.kind, other.kind)
    if op in _COMPARISONS:
        one, other = _convert(one, kind), _convert(other, kind)
        return Typed(f"truth({one.text} {op} {other.text})", INT)
    if op in ("<<", ">>"):
        kind = _promoted(one.kind)
    elif op in ("/", "%"):
        one, other = _convert(one, kind), _convert(other, kind)
        name = "divide" if op == "/" else "remainder"
        return _wrapped(f"{name}({one.text}, {other.text})", kind)
    elif kind is float and op not in ("+", "-", "*"):
        raise Unsupported("is no constant expression")
    return _wrapped(f"({one.text} {op} {other.text})", kind)


def _promoted(kind: Any) -> Any:
    return INT if isinstance(kind, Integer) and kind.bits < 32 else kind


def _common(one: Any, other: Any) -> Any:
    """The type in which C computes with two others; unknown if one is."""
    one, other = _promoted(one), _promoted(other)
    if one is None or other is None:
        return None
    if float in (one, other):
        return float
    if one.bits != other.bits:
        return max(one, other)
    return Integer(one.bits, one.signed and other.signed)


def _wrapped(text: str, kind: Any) -> Typed:
    if isinstance(kind, Integer):
        return Typed(f"wrap({text}, {kind.bits}, {kind.signed})", kind)
    return Typed(text, kind)


def _convert(value: Typed, kind: Any) -> Typed:
    if kind is None or kind == value.kind:
        return value
    if value.kind in (bytes, str):
        if kind == POINTER:
            return value  # a string as another kind of pointer
        raise Unsupported("is no constant expression")
    if kind is float:
        return Typed(f"real({value.text})", float)
    if kind is bool:
        return Typed(f"truth({value.text})", INT)
    return _wrapped(value.text, kind)


def _constant(node: Any) -> Typed:
    text = node.value
    if node.type == "string":
        if not text.startswith(('"', "u8", "L")):
            raise Unsupported("is a string of a type that Python has not")
        data = b"".join(_unescape(part) for part in _quoted(text))
        if text.startswith("L"):
            return Typed(repr(data.decode("utf-8", "surrogateescape")), str)
        return Typed(repr(data), bytes)
    if node.type == "char":
        data = _unescape(text[text.index("'") + 1 : -1])
        if len(data) != 1:
            raise Unsupported("is a character of several bytes")
        return Typed(str(data[0] if data[0] < 128 else data[0] - 256), INT)
    if "float" in node.type or "double" in node.type:
        digits = text.rstrip("fFlL") if not text.lower().startswith("0x") else text.rstrip("lL")
        value = float.fromhex(digits) if digits.lower().startswith("0x") else float(digits)
        if value in (float("inf"), float("-inf")):
            raise Unsupported("is too large for a double")
        return Typed(repr(value), float)
    return _integer(text)


def _integer(text: str) -> Typed:
    digits = text.rstrip("uUlL")
    suffix = text[len(digits) :].lower()
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        value = int(digits, 8)
    else:
        value = int(digits, 0)
    kinds = [Integer(32, True), Integer(32, False), LONG, POINTER]
    if "l" in suffix:
        kinds = kinds[2:]
    if "u" in suffix:
        kinds = [kind for kind in kinds if not kind.signed]
    elif digits[0] != "0" or digits == "0":
        kinds = [kind for kind in kinds if kind.signed]
    for kind in kinds:
        if value < 1 << (kind.bits - kind.signed):
            return Typed(str(value), kind)
    return _wrapped(str(value), POINTER)


def _quoted(text: str) -> list[str]:
    """The contents of string literals that stand side by side."""
    found: list[str] = []
    start = text.find('"')
    while start >= 0:
        end = start + 1
        while text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        found.append(text[start + 1 : end])
        start = text.find('"', end + 1)
    return found


def _unescape(text: str) -> bytes:
    out = bytearray()
    index = 0
    while index < len(text):
        if text[index] != "\\":
            out += text[index].encode("utf-8", "surrogateescape")
            index += 1
            continue
        escape = text[index + 1]
        index += 2
        if escape in "01234567":
            digits = escape
            while len(digits) < 3 and index < len(text) and text[index] in "01234567":
                digits += text[index]
                index += 1
            out.append(int(digits, 8) & 255)
        elif escape == "x":
            start = index
            while index < len(text) and text[index] in "0123456789abcdefABCDEF":
                index += 1
            out.append(int(text[start:index] or "0", 16) & 255)
        elif escape in "uU":
            length = 4 if escape == "u" else 8
            out += chr(int(text[index : index + length], 16)).encode()
            index += length
        else:
            out.append(_ESCAPES.get(escape, ord(escape)))
    return bytes(out)
