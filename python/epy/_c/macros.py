"""A header's macros -> constants, Python functions, other names for what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycparser import c_ast, c_parser

from .._errors import HeaderError
from .dialect import MARK, plain
from .expressions import Unsupported
from .preprocess import Source
from .tokens import Lexer, Token
from .types import BUILTIN

if TYPE_CHECKING:
    from .declarations import Definitions

_EXPRESSION_WORDS = {word for key in BUILTIN for word in key.split()} | {
    *("const", "volatile", "struct", "union", "enum"),
    *("sizeof", "_Alignof", "offsetof", "__builtin_offsetof", "L"),
}


def read_macros(definitions: Definitions, source: Source) -> None:
    """Add what can be expressed to the definitions, and why the rest cannot."""
    _Macros(definitions).read(source)


class _Macros:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.names = definitions.names
        self.constants = definitions.constants
        self.expressions = definitions.expressions

    def read(self, source: Source) -> None:
        texts: dict[str, list[str]] = {}
        for name, macro in source.macros.items():
            try:
                words = [word for word in map(plain, source.expand(name)) if word]
            except HeaderError:
                words = []
            takes = "" if macro.parameters is None else " with arguments"
            if len(words) == 1 and words[0] in self.names and macro.parameters is None:
                self._alias(name, words[0])
            elif reason := self._no_expression(words, macro.parameters or []):
                self.definitions.refuse(name, f"is a macro{takes} that {reason}")
            else:
                texts[name] = words
        for name, node in self._parse_expressions(texts).items():
            parameters = source.macros[name].parameters
            try:
                if node is None:
                    raise Unsupported("is no expression")
                if parameters is None:
                    value = self.expressions.value(node)
                    if name not in self.names or self.names[name][0] in "?v":
                        self.constants[name] = value
                        self.names[name] = ("c", value)
                elif name not in self.names:
                    self.names[name] = (
                        "m",
                        self.expressions.function(node, parameters),
                    )
            except Unsupported as reason:
                takes = "" if parameters is None else " with arguments"
                self.definitions.refuse(name, f"is a macro{takes} that {reason}")

    def _alias(self, name: str, other: str) -> None:
        if name not in self.names:
            self.names[name] = self.names[other]
            if other in self.constants:
                self.constants[name] = self.constants[other]

    def _no_expression(self, words: list[str], parameters: list[str]) -> str:
        """Why some tokens cannot be a constant expression; "" if they may be one."""
        if not words:
            return "is empty"
        if "offsetof" in words or "__builtin_offsetof" in words:
            return ""  # has the name of a member
        for word, following in zip(words, [*words[1:], ""], strict=True):
            if word in ("{", "}", ";", "=", "#", "##", "...") or word.endswith("="):
                if word not in ("==", "!=", "<=", ">="):
                    return "is no expression"
            elif word in ("->", ".", "++", "--"):
                return "is no constant expression"
            elif word[0].isalpha() or word[0] == "_":
                known = word in self.constants or word in parameters or word in _EXPRESSION_WORDS
                if known or word[-1] in "\"'":
                    continue
                if self.names.get(word, ("",))[0] == "t" or f"struct {word}" in self.names:
                    continue
                return (
                    f"calls {word}: call that"
                    if following == "("
                    else f"uses {word}, which is no constant"
                )
        return ""

    def _parse_expressions(self, texts: dict[str, list[str]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        names = list(texts)
        for start in range(0, len(names), 64):
            self._parse_some({name: texts[name] for name in names[start : start + 64]}, found)
        return found

    def _parse_some(self, texts: dict[str, list[str]], found: dict[str, Any]) -> None:
        """By halves: few macros are no expressions, and parsing one by one takes long."""
        names = list(texts)
        nodes: list[Any] = []
        if all(map(_balanced, texts.values())):
            words = {word for text in texts.values() for word in text}
            types = [word for word in words if self.names.get(word, ("",))[0] == "t"]
            source = [part for word in types for part in ("typedef", "int", word, ";")]
            for text in texts.values():
                source += ["int", f"{MARK}macro", "=", *text, ";"]
            parser = c_parser.CParser(lexer=Lexer)
            try:
                nodes = [
                    node
                    for node in parser.parse([Token(word, "", 1) for word in source]).ext
                    if isinstance(node, c_ast.Decl)
                ]
            except (c_parser.ParseError, AssertionError, RecursionError):
                nodes = []
        if len(nodes) == len(names):
            found.update(zip(names, (node.init for node in nodes), strict=True))
        elif len(names) == 1:
            found[names[0]] = None
        else:
            half = len(names) // 2
            self._parse_some({name: texts[name] for name in names[:half]}, found)
            self._parse_some({name: texts[name] for name in names[half:]}, found)


def _balanced(words: list[str]) -> bool:
    depth = 0
    for word in words:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0 or word in (";", "{", "}"):
            return False
    return depth == 0
