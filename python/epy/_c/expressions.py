"""Macros with arguments, and functions that only return a value -> Python expressions.

What they call is in `arithmetic`, which computes as C does: a plugin has no reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from .literals import character, number, text_of
from .terms import (
    Type,
    Unsupported,
    alias_name,
    constant_value,
    declared_type,
    function_parameters,
    function_result,
    is_a,
)

ARGUMENT = "__epy_"
"""Before a parameter's name, in the text: no macro has that name."""

_NESTED = 190  # brackets; Python's own limit is 200

# The words of a built-in type, sorted, "int" left out where another word implies it.
_BUILTIN: dict[str, Type] = {
    "void": None,
    "_Bool": "c_bool",
    "char": "c_char",
    "char signed": "c_byte",
    "char unsigned": "c_ubyte",
    "short": "c_short",
    "short signed": "c_short",
    "short unsigned": "c_ushort",
    "int": "c_int",
    "signed": "c_int",
    "unsigned": "c_uint",
    "long": "c_long",
    "long signed": "c_long",
    "long unsigned": "c_ulong",
    "long long": "c_longlong",
    "long long signed": "c_longlong",
    "long long unsigned": "c_ulonglong",
    "float": "c_float",
    "double": "c_double",
    "double long": "c_longdouble",
}
_WORDS = {word for key in _BUILTIN for word in key.split()}
_QUALIFIERS = {"const", "volatile", "__const", "__volatile__", "restrict", "__restrict"}
_SAME = {"__signed__": "signed", "__signed": "signed", "__alignof__": "_Alignof"}
_NO_EXPRESSION = re.compile(r"[{};]|(?<![=!<>])=(?!=)|\+\+|--|\b(do|return|if|for|while|goto)\b")
_TOKEN = re.compile(
    r"""(?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\])*")|(?P<char>[uUL]?'(?:\\.|[^'\\])+')
    |(?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)|(?P<name>[^\W\d][\w$]*)
    |(?P<mark>->|<<|>>|[<>=!]=|&&|\|\||\#\#?|[^\s\w])""",
    re.VERBOSE,
)
_SIGNS = "+-~!"
_UNARY = {*_SIGNS, *"*&(", "__extension__", "sizeof"}
_UNARY |= {"_Alignof", "__alignof__", "__alignof", "alignof"}
_LEVELS = ["||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* / %"]
_LEVEL = {mark: level for level, marks in enumerate(_LEVELS) for mark in marks.split()}


def translate(
    text: str, parameters: Sequence[str], names: Mapping[str, Any], prefix: str, kind: Type = None
) -> tuple[str, str, tuple[str, ...]]:
    """The definition of a function, a Python lambda, for an expression in which its parameters
    have a prefix. One with a type converts what it is given, and its result. Raises Unsupported.
    """
    without = _TOKEN.sub(lambda it: "" if it["string"] else it[0], text) if '"' in text else text
    if _NO_EXPRESSION.search(without):
        raise Unsupported("is no expression")
    result: Type = None
    types: tuple[Type, ...] = (None,) * len(parameters)
    if kind:
        result, types = function_result(kind), function_parameters(kind)
    given = {
        prefix + name: _converted(f"of(p_{name})", one, names)
        for name, one in zip(parameters, types, strict=True)
    }
    made = _Translator(text, given, names)
    whole = _converted(made.whole(), result, names)
    body = f"lambda {', '.join('p_' + name for name in parameters)}: value({whole})"
    return "m" if made.is_plain else "x", body, tuple(parameters)


def _converted(text: str, kind: Type, names: Mapping[str, Any]) -> str:
    """As a number of this type, if it is one; as a pointer if that is given as a number."""
    actual = kind
    while is_a(actual, "t"):
        actual = declared_type(names[alias_name(actual)])
    if is_a(actual, "*"):
        return f"pointer({text}, {kind!r})"
    is_number = is_a(actual, "enum") or (isinstance(actual, str) and actual in _BUILTIN.values())
    return f"cast({text}, {kind!r})" if is_number else text


class _Translator:
    def __init__(self, text: str, parameters: Mapping[str, str], names: Mapping[str, Any]) -> None:
        self.tokens = [(it.lastgroup, it[0]) for it in _TOKEN.finditer(text)]
        self.tokens += [("", "")] * 3
        self.at = 0
        self.is_plain = True  # it only computes
        self.parameters = parameters
        self.names = names

    def whole(self) -> str:
        if not self.tokens[0][1]:
            raise Unsupported("is empty")
        try:
            found = self.conditional()
        except RecursionError:
            raise Unsupported("is nested too deeply") from None
        if self.next:
            raise Unsupported("is no expression")
        if found.count("(") > _NESTED:
            depths = accumulate((it == "(") - (it == ")") for it in found)
            if max(depths) > _NESTED:
                raise Unsupported("is nested too deeply")
        return found

    @property
    def next(self) -> str:
        return self.tokens[self.at][1]

    def take(self, text: str) -> bool:
        """Whether this token comes next; it is behind us then."""
        if self.next != text:
            return False
        self.at += 1
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise Unsupported("is no expression")

    def word(self) -> str:
        kind, text = self.tokens[self.at]
        if kind != "name":
            raise Unsupported("is no expression")
        self.at += 1
        return text

    # By C's grammar, from what binds least

    def conditional(self) -> str:
        condition = self.binary(0)
        if not self.take("?"):
            return condition
        was_plain, self.is_plain = self.is_plain, True
        one = self.conditional()
        self.expect(":")
        other = self.conditional()
        # Both have a say in the type; what calls or reads memory must not be tried for that.
        plain, self.is_plain = self.is_plain, was_plain and self.is_plain
        return f"choose({condition}, lambda: {one}, lambda: {other}, {plain})"

    def binary(self, least: int) -> str:
        """With operators of this level, and of those that bind more."""
        found = self.unary()
        while (level := _LEVEL.get(mark := self.next, -1)) >= least:
            self.at += 1
            other = self.binary(level + 1)
            if level < 2:
                found = f"truth({found}, lambda: {other}, {level == 0})"
            else:
                found = f"binary({mark!r}, {found}, {other})"
        return found

    def unary(self) -> str:
        mark = self.next
        if mark not in _UNARY:
            return self.postfix()
        if mark == "(":
            if not self.is_type(self.at + 1):
                return self.postfix()
            self.at += 1
            kind = self.type()
            self.expect(")")
            return f"cast({self.unary()}, {kind!r})"
        if mark == "&":
            raise Unsupported("takes an address")
        self.at += 1
        if mark == "__extension__":
            return self.unary()
        if mark == "*":
            self.is_plain = False
            return f"item({self.unary()}, number(0))"
        if mark in _SIGNS:
            return f"unary({mark!r}, {self.unary()})"
        return self.size(mark == "sizeof")

    def size(self, is_size: bool) -> str:
        if self.next != "(" or not self.is_type(self.at + 1):
            raise Unsupported("takes the size of an expression")
        self.at += 1
        kind = self.type()
        self.expect(")")
        return f"{'size' if is_size else 'alignment'}({kind!r})"

    def postfix(self) -> str:
        found = self.primary()
        while True:
            if self.next in ("->", ".", "["):
                self.is_plain = False
            if self.take("->") or self.take("."):
                found = f"member({found}, {self.word()!r})"
            elif self.take("["):
                found = f"item({found}, {self.conditional()})"
                self.expect("]")
            elif self.next == "(":
                raise Unsupported("calls what it computes")
            else:
                return found

    def primary(self) -> str:
        kind, text = self.tokens[self.at]
        self.at += 1
        if text == "(":
            found = self.conditional()
            self.expect(")")
            return found
        if kind == "string":
            self.at -= 1
            return f"of({self.strings()!r})"
        if kind == "char":
            return character(text)
        if kind == "number":
            return number(text)
        if kind == "name":
            return self.name(text)
        raise Unsupported("is no expression" if text not in ("#", "##") else "pastes its arguments")

    def strings(self) -> bytes | str:
        parts = []
        while self.tokens[self.at][0] == "string":
            parts.append(self.next)
            self.at += 1
        if any(ARGUMENT in part for part in parts):
            raise Unsupported("makes a text of its argument")
        return text_of("".join(parts))

    def name(self, text: str) -> str:
        if text in self.parameters:
            return self.parameters[text]
        if text == "__builtin_offsetof":
            self.expect("(")
            kind = self.type()
            self.expect(",")
            member = self.word()
            self.expect(")")
            return f"offset({kind!r}, {member!r})"
        if self.next == "(":
            return self.call(text)
        found: Any = self.names.get(text)
        if is_a(found, "c"):
            return f"of({constant_value(found)!r})"
        if is_a(found, "v") or is_a(found, "f"):
            self.is_plain = False
            return f"variable({text!r})"
        if ARGUMENT in text:
            raise Unsupported("pastes its arguments")
        raise Unsupported(f"uses {text}, which is not declared")

    def call(self, text: str) -> str:
        if text == "__builtin_expect":  # says what is likely
            self.expect("(")
            found = self.conditional()
            self.expect(",")
            self.conditional()
            self.expect(")")
            return f"cast({found}, 'c_long')"
        if self.names.get(text, "?")[0] not in ("f", "m", "x"):
            raise Unsupported(f"calls {text}, which is no function of the header")
        self.is_plain = False
        self.expect("(")
        arguments: list[str] = []
        while not self.take(")"):
            if arguments:
                self.expect(",")
            arguments.append(self.conditional())
        return f"call({', '.join([repr(text), *arguments])})"

    # Types

    def is_type(self, at: int) -> bool:
        kind, text = self.tokens[at]
        return kind == "name" and (
            _SAME.get(text, text) in _WORDS
            or text in _QUALIFIERS
            or text in ("struct", "union", "enum")
            or is_a(self.names.get(text), "t")
        )

    def type(self) -> Type:
        words: list[str] = []
        found: Any = self
        while self.tokens[self.at][0] == "name":
            text = _SAME.get(self.word(), self.tokens[self.at - 1][1])
            if text in _QUALIFIERS:
                continue
            if text in ("struct", "union", "enum"):
                found = (text, self.word())
            elif text in _WORDS:
                words.append(text)
            elif found is self and not words and is_a(self.names.get(text), "t"):
                found = ("t", text)
            else:
                raise Unsupported(f"uses {text}, which is not declared")
        if words:
            key = " ".join(sorted([word for word in words if word != "int"] or ["int"]))
            if key not in _BUILTIN:
                raise Unsupported(f"has the type '{' '.join(words)}'")
            found = _BUILTIN[key]
        if found is self:
            raise Unsupported("is no expression")
        while self.next == "*" or self.next in _QUALIFIERS:
            if self.take("*"):
                found = ("*", found)
            else:
                self.at += 1
        if is_a(found, "struct") or is_a(found, "union"):
            if (tag := " ".join(found)) not in self.names:
                raise Unsupported(f"uses {tag}, which is not declared")
        return found
