"""A header's macros -> constants, Python functions, other names for what is declared.

What a macro stands for, and which value it has, Clang says: the header is read once more with lines
behind it that name each macro. One string has all texts; each value is a variable's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from .expressions import ARGUMENT, translate
from .libclang import Cursor, Library
from .literals import text_of
from .terms import (
    EMPTY,
    Type,
    Unsupported,
    declared_symbol,
    declared_type,
    is_a,
    named,
    unusable,
)

# Behind its name.
_DEFINITION = re.compile(rb"(\([^)\n]*\))?([^\\\n]*(?:\\(?:\r\n|.)[^\\\n]*)*)", re.DOTALL)
_UNDEFINED = re.compile(rb"#[ \t]*undef[ \t]+(\w+)")
_COMMENT = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)
_SPLICE = re.compile(r"\\\r?\n")  # a line that goes on in the next
_INTEGER = re.compile(
    r"(?:0[xX][\da-fA-F]{1,16}|0[0-7]{0,21}|[1-9]\d{0,18})[uU]?[lL]{0,2}|-[1-9]\d{0,8}"
)
_TEXT = re.compile(r'"[^"\\\n]*"', re.ASCII)
_LITERALS = re.compile(r'(?:(?:u8|[uUL])?"(?:\\.|[^"\\])*"\s*)+')
_LITERAL = re.compile(r'(?:u8|[uUL])?"(?:\\.|[^"\\])*"')
_NAME = re.compile(r"[^\W\d][\w$]*", re.ASCII)
_NO_VALUE = re.compile(r"[{};]|\b(?:__attribute__|__asm__|asm|do|return|goto)\b")
_PLACES = [
    *("__LINE__", "__FILE__", "__FILE_NAME__", "__BASE_FILE__", "__INCLUDE_LEVEL__"),
    *("__COUNTER__", "__DATE__", "__TIME__", "__TIMESTAMP__"),
]  # what these stand for, a use has and not a definition
_PLACE = re.compile(rf"\b(?:{'|'.join(_PLACES)})\b")
_START, _END = "\x02", "\x03"  # of a macro's text
_PRELUDE = f"""
{"".join(f"#undef {it}{chr(10)}" for it in _PLACES)}#define _Pragma(x)
#define {ARGUMENT}text(...) #__VA_ARGS__
#define {ARGUMENT}expanded(...) {ARGUMENT}text(__VA_ARGS__)
#define {ARGUMENT}value(x) __builtin_choose_expr(__builtin_classify_type(x) == 5, \\
    (__UINTPTR_TYPE__)(x), (x))
"""
_PRELUDE_OF_CPLUSPLUS = _PRELUDE.partition(f"#define {ARGUMENT}value")[0] + (
    f"#define {ARGUMENT}value(x) (x)\n"
)
_RETURN = re.compile(r"\{\s*return\b([^;{}]*);\s*\}\s*$")  # all that a function does
_FUNCTION, _VARIABLE = 8, 9  # clang-c/Index.h, CXCursorKind


def _is_balanced(body: str) -> bool:
    """Whether each parenthesis has its other one."""
    if body.count("(") != body.count(")"):
        body = _LITERAL.sub("", body)
    return body.count("(") == body.count(")")


class Definition(NamedTuple):
    """Of a macro, as it stands in a file."""

    parameters: list[str] | None
    body: str


class Macros:
    """All the macros of a header, by name."""

    def __init__(self, clang: Library, cursors: list[Cursor], sources: Mapping[str, bytes]) -> None:
        self.clang: Any = clang
        names = clang.names(cursors) if cursors else []
        self.cursors = dict(zip(names, cursors, strict=True))
        self.sources = sources
        self.known: dict[str, Definition | None] = {}
        undefined = (_UNDEFINED.findall(text) for text in sources.values())
        # Not each time the same: what such a macro is in the end, Clang alone knows.
        self.changing = {name.decode() for them in undefined for name in them}
        self.changing |= {name for name, count in Counter(names).items() if count > 1}

    def definition(self, name: str) -> Definition | None:
        """None for what no file defines."""
        if name not in self.known:
            self.known[name] = self._definition(name)
        return self.known[name]

    def _definition(self, name: str) -> Definition | None:
        file, _, _, offset = self.clang.place(self.clang.getCursorLocation(self.cursors[name]))
        if file not in self.sources:
            return None
        at = offset + len(name.encode("utf-8", "surrogateescape"))
        found = _DEFINITION.match(self.sources[file], at)
        parameters, body = found.groups(b"") if found else (b"", b"")
        if b"/" in body:
            body = _COMMENT.sub(b" ", body)
        text = _SPLICE.sub(" ", body.decode("utf-8", "surrogateescape")).strip()
        if not parameters:
            return Definition(None, text)
        inner = _SPLICE.sub(" ", parameters[1:-1].decode("utf-8", "surrogateescape")).strip()
        return Definition([it.strip() for it in inner.split(",")] if inner else [], text)

    def plain_value(self, name: str, depth: int = 4) -> Any:
        """The value of a macro that is one literal, or is another such macro; else None."""
        found = self.definition(name)
        if found is None or found.parameters is not None or name in self.changing:
            return None
        body = found.body
        if body[:1] == "(" and body[-1:] == ")":
            body = body[1:-1].strip()
        if _INTEGER.fullmatch(body):
            digits = body.rstrip("uUlL")
            return int(digits, 8 if digits[0] == "0" and digits.isdigit() else 0)
        if depth and body in self.cursors:
            return self.plain_value(body, depth - 1)
        return body[1:-1].encode("utf-8", "surrogateescape") if _TEXT.fullmatch(body) else None


class Reader:
    """Asks Clang about macros, and about the values that inline functions return."""

    def __init__(
        self,
        clang: Library,
        macros: Macros,
        names: dict[str, Any],
        cplusplus: bool,
    ) -> None:
        self.clang: Any = clang
        self.macros = macros
        self.names = names
        self.prelude = _PRELUDE_OF_CPLUSPLUS if cplusplus else _PRELUDE
        self.variable = "const auto" if cplusplus else "const __auto_type"
        self.asked: list[tuple[str, Definition]] = []
        self.inline: dict[str, tuple[list[str], Type]] = {}  # functions: parameters, type
        self.returned: dict[str, str] = {}  # what they return
        self.excluded: set[int] = set()
        self.texts: dict[int, str] = {}
        self.values: dict[int, Any] = {}
        self.problems: dict[int, str] = {}

    def read(self, text: str, parse: Any, flat: Any) -> None:
        """Of all the macros that the header leaves; `parse` reads a text as the header, `flat`
        gives all its declarations."""
        open_ = []
        for name in self.macros.cursors:
            value = self.macros.plain_value(name)
            if value is not None:
                self._constant(name, value)
            elif (definition := self.macros.definition(name)) is not None:
                open_.append((name, definition))
        hopeless = self._hopeless([name for name, _ in open_])
        for name, definition in open_:
            if _is_balanced(definition.body) and (
                name not in hopeless or definition.parameters is not None
            ):
                self.asked.append((name, definition))
            else:
                self._refuse(name, definition, "is no expression")
        if self.asked or self.inline:
            self._ask(text, parse, flat)
            self._take()

    def _hopeless(self, rest: list[str]) -> set[str]:
        """The macros that would break what follows them, by braces or half of a pair of
        parentheses: of these, and of those that they lead to."""
        words: dict[str, set[str]] = {}
        found: set[str] = set()
        cursors = self.macros.cursors
        while rest:
            name = rest.pop()
            definition = self.macros.definition(name)
            if name in words or definition is None:
                continue
            body = definition.body
            if not _is_balanced(body) or (
                _NO_VALUE.search(body) and _NO_VALUE.search(_LITERAL.sub("", body))
            ):
                found.add(name)
            words[name] = {it for it in _NAME.findall(body) if it in cursors}
            rest += words[name]
        while more := {name for name, them in words.items() if name not in found and them & found}:
            found |= more
        return found

    def _ask(self, text: str, parse: Any, flat: Any) -> None:
        for _ in range(4):
            lines = self._lines()
            start = text.count("\n") + 1
            unit = parse(text + "\n".join(lines) + "\n")
            if unit is None:
                return
            numbers = {start + at: line for at, line in enumerate(lines)}
            bad: set[int] = set()
            for file, line, _, message in self.clang.problems(unit):
                shown = numbers.get(line, "") if file == self.clang.main else ""
                at = re.search(rf"{ARGUMENT}v(\d+) =|{_START}(\d+){_START}", shown)
                if at and at[1]:
                    if int(at[1]) not in self.problems or "by zero" in message:
                        self.problems[int(at[1])] = message
                elif at:
                    bad.add(int(at[2]))
            self._answers(flat(self.clang.children(self.clang.getTranslationUnitCursor(unit))))
            if self.texts or not bad:  # Clang has left some of a text as it was
                return
            self.excluded |= bad

    def _lines(self) -> list[str]:
        texts = []
        values = []
        for index, (name, definition) in enumerate(self.asked):
            if index in self.excluded:
                continue
            parameters = definition.parameters
            use = name
            if parameters is not None:
                use += f"({', '.join(ARGUMENT + it for it in parameters)})"
            if parameters is None or not any("..." in it for it in parameters):
                texts += [f"#ifdef {name}", self._text(index, use), "#endif"]
            if parameters is None and definition.body:
                value = f"{self.variable} {ARGUMENT}v{index} = {ARGUMENT}value({name});"
                values += [f"#ifdef {name}", value, "#endif"]
        start = [*self.prelude.splitlines(), f'static const char *const {ARGUMENT}texts = ""']
        return [*start, *texts, f'"{_START}";', *values]

    @staticmethod
    def _text(index: int, use: str) -> str:
        return f'"{_START}{index}{_START}" {ARGUMENT}expanded({use}) "{_END}"'

    def _answers(self, cursors: list[Cursor]) -> None:
        clang = self.clang
        for cursor in cursors:
            kind = cursor.kind
            if kind != _VARIABLE and (kind != _FUNCTION or not self.inline):
                continue
            name = clang.text(clang.getCursorSpelling(cursor))
            if kind == _FUNCTION:
                if name in self.inline:
                    whole = clang.text(clang.getCursorPrettyPrinted(cursor, None))
                    if returned := _RETURN.search(whole):
                        self.returned[name] = returned[1]
                continue
            if name == f"{ARGUMENT}texts":
                whole = str(clang.evaluate(cursor) or "")
                if whole.endswith(_START):  # else what one expands to has ended it
                    found = re.findall(rf"{_START}(\d+){_START}([^{_END}]*){_END}", whole)
                    self.texts = {int(index): text for index, text in found}
            elif name.startswith(f"{ARGUMENT}v") and not clang.isInvalidDeclaration(cursor):
                value = clang.evaluate(cursor)
                if isinstance(value, (int, float)):
                    self.values[int(name[len(ARGUMENT) + 1 :])] = value

    def _take(self) -> None:
        """Constants first, then inline functions: macros may use both."""
        functions = []
        for index, (name, definition) in enumerate(self.asked):
            if index in self.excluded:
                self._refuse(name, definition, "is no expression")
            elif index in self.texts or definition.parameters is not None:
                if definition.parameters is None:
                    self._object(index, name, definition)
                else:
                    functions.append((index, name, definition))
        for name, text in self.returned.items():
            try:
                parameters, kind = self.inline[name]
                self.names[name] = translate(text, parameters, self.names, "", kind)
            except Unsupported as reason:
                self.names[name] = unusable(
                    f"is an inline function, which no library has, and {reason}"
                )
        for index, name, definition in functions:
            self._function(index, name, definition)

    def _object(self, index: int, name: str, definition: Definition) -> None:
        try:
            text = self._whole_text(index).strip()
        except Unsupported as error:
            self._refuse(name, definition, str(error))
            return
        if index in self.values:
            self._constant(name, self.values[index])
        elif not text:
            if name not in self.names or is_a(self.names[name], "?"):
                self.names[name] = unusable("is a macro that is empty", EMPTY)
        elif text in self.names:
            found = self.names[text]
            if is_a(found, "f") or is_a(found, "v"):  # what C means by the name from here on
                symbol = declared_symbol(found) if found[2:] else text
                found = self.names[name] = named(found[0], declared_type(found), name, symbol)
            self.names.setdefault(name, found)
        else:
            inner = text
            while inner[:1] == "(" and inner[-1:] == ")":
                inner = inner[1:-1].strip()
            try:
                if _LITERALS.fullmatch(inner):
                    self._constant(name, text_of(_LITERAL.findall(inner)))
                    return
                problem = self.problems.get(index, "")
                reason = f"is no constant ({problem})" if problem else "is no constant"
                if "by zero" in problem:
                    reason = "divides by zero"
            except Unsupported as error:
                reason = str(error)
            self._refuse(name, definition, reason)

    def _function(self, index: int, name: str, definition: Definition) -> None:
        if name in self.names and not is_a(self.names[name], "?"):
            return
        parameters = definition.parameters or []
        try:
            if any("..." in it for it in parameters):
                raise Unsupported("takes any number of arguments")
            if index not in self.texts:
                return  # not defined in the end
            text = self._whole_text(index)
            self.names[name] = translate(text, parameters, self.names, ARGUMENT)
        except Unsupported as reason:
            self._refuse(name, definition, str(reason))

    def _whole_text(self, index: int) -> str:
        """What one expands to, "" if Clang has not said. Raises Unsupported."""
        text = self.texts.get(index, "")
        if found := _PLACE.search(text):
            raise Unsupported(f"depends on where it is used, by {found[0]}")
        return text

    def _constant(self, name: str, value: Any) -> None:
        if name not in self.names or self.names[name][0] in "?v":
            self.names[name] = ("c", value)

    def _refuse(self, name: str, definition: Definition | None, reason: str) -> None:
        if name in self.names and not is_a(self.names[name], "?"):
            return
        takes = " with arguments" if definition and definition.parameters is not None else ""
        body = f": `{definition.body[:200]}`" if definition and definition.body else ""
        self.names[name] = unusable(f"is a macro{takes} that {reason}{body}")
