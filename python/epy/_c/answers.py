"""What a header's macros stand for, and which value each has, as Clang says.

The header is read with lines behind it that name each macro. One string has all texts; each value
is a variable's. They become constants, Python functions, other names for what is declared.
"""

from __future__ import annotations

import re
from typing import Any

from .expressions import ARGUMENT, translate
from .kinds import COMPLEX, IMPOSSIBLE
from .libclang import ERROR, Cursor, Library
from .literals import LITERALS, text_of
from .macros import Definition, Macros, is_balanced, is_list, uses
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

_PLACES = [
    *("__LINE__", "__FILE__", "__FILE_NAME__", "__BASE_FILE__", "__INCLUDE_LEVEL__"),
    *("__COUNTER__", "__DATE__", "__TIME__", "__TIMESTAMP__"),
]  # what these stand for, a use has and not a definition
# Begins with what is quickly found.
_PLACE = re.compile(rf"__(?<!\w__)(?:{'|'.join(it[2:] for it in _PLACES)})\b")
START, _END = "\x02", "\x03"  # of a macro's text
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
RETURN = re.compile(r"\{\s*return\b([^;{}]*);\s*\}\s*$")  # all that a function does
MANY = 1000  # of macros: each costs as many steps as it leads to
_FUNCTION, _VARIABLE = 8, 9  # clang-c/Index.h, CXCursorKind


class Answers:
    """Asks Clang about macros, and about the values that inline functions return."""

    def __init__(self, clang: Library, names: dict[str, Any], cplusplus: bool = False) -> None:
        self.clang: Any = clang
        self.names = names
        self.prelude = _PRELUDE_OF_CPLUSPLUS if cplusplus else _PRELUDE
        self.variable = "const auto" if cplusplus else "const __auto_type"
        self.plain: dict[str, Any] = {}  # the values of literals
        self.refused: list[tuple[str, Definition | None, str]] = []  # with the reason
        self.asked: list[tuple[str, Definition]] = []
        self.inline: dict[str, tuple[list[str], Type]] = {}  # functions: parameters, type
        self.own: list[Cursor] = []  # what the text declares
        self.is_told = False  # Clang has given the texts
        self.is_clean = False  # these are as without the lines behind it
        self.same: list[int] = []  # where the last of a chain of macros is, for each
        self.excluded: set[int] = set()  # by their place in `asked`, as all these
        self.texts: dict[int, str] = {}
        self.values: dict[int, Any] = {}
        self.problems: dict[int, str] = {}

    def sort(self, macros: Macros) -> None:
        """What to ask about."""
        open_ = []
        for name in macros.cursors:
            value = macros.plain_value(name)
            if value is not None:
                self.plain[name] = value
            elif (definition := macros.definition(name)) is not None:
                open_.append((name, definition))
        words = macros.words([name for name, _ in open_])
        hopeless, count = macros.hopeless(words), uses(words)
        for name, definition in open_:
            if count[name] > MANY:
                self.refused.append((name, definition, f"leads to more than {MANY} others"))
            elif not is_balanced(definition.body) or (
                name in hopeless and definition.parameters is None
            ):
                self.refused.append((name, definition, "is no expression"))
            else:
                self.asked.append((name, definition))
        number = {name: index for index, (name, _) in enumerate(self.asked)}
        self.same = [number.get(macros.end(name), at) for name, at in number.items()]

    def ask(self, text: str, parse: Any) -> Any:
        """A translation unit of a text, with lines behind it that ask about the macros."""
        self.excluded, self.texts, self.values, self.problems = set(), {}, {}, {}
        for _ in range(4):
            lines = self._lines()
            unit = parse(text + "\n".join(lines) + "\n")
            if unit is None:
                return None
            bad = self._note(unit, text.count("\n") + 1, lines)
            self._hear(self.clang.children(self.clang.getTranslationUnitCursor(unit)))
            if self.texts or not bad:  # Clang has left some of a text as it was
                break
            self.excluded |= bad
        return unit

    def _note(self, unit: Any, start: int, lines: list[str]) -> set[int]:
        """What Clang reports of the lines behind the text; those whose text has something wrong."""
        self.is_clean = True
        numbers = {start + at: line for at, line in enumerate(lines)}
        bad: set[int] = set()
        for severity, (file, line, _, _), message, _ in self.clang.problems(unit):
            shown = numbers.get(line, "") if file == self.clang.main else ""
            if not shown:  # the first is the text's last
                self.is_clean = self.is_clean and severity < ERROR
                continue
            at = re.search(rf"{ARGUMENT}v(\d+) =|{START}(\d+){START}", shown)
            if at and at[1]:
                if int(at[1]) not in self.problems or "by zero" in message:
                    self.problems[int(at[1])] = message
            elif at:
                bad.add(int(at[2]))
        return bad

    def _lines(self) -> list[str]:
        texts = []
        values = []
        for index, (name, definition) in enumerate(self.asked):
            if index in self.excluded or self.same[index] != index:
                continue
            parameters = definition.parameters
            use = name
            if parameters is not None:
                use += f"({', '.join(ARGUMENT + it for it in parameters)})"
            if not definition.is_open:
                texts += [f"#ifdef {name}", self._text(index, use), "#endif"]
            if parameters is None and definition.body and not is_list(definition.body):
                values += [f"#ifdef {name}", self._value(index, name), "#endif"]
        return self._whole(texts, values)

    def _whole(self, texts: list[str], values: list[str]) -> list[str]:
        start = [*self.prelude.splitlines(), f'static const char *const {ARGUMENT}texts = ""']
        return [*start, *texts, f'"{START * 2}";', *values]

    def _value(self, index: int, name: str) -> str:
        return f"{self.variable} {ARGUMENT}v{index} = {ARGUMENT}value({name});"

    @staticmethod
    def _text(index: int, use: str) -> str:
        return f'"{START}{index}{START}" {ARGUMENT}expanded({use}) "{_END}"'

    def _hear(self, cursors: list[Cursor]) -> None:
        clang = self.clang
        self.own = cursors
        for at, cursor in enumerate(cursors):
            if cursor.kind != _VARIABLE:
                continue
            name = clang.text(clang.getCursorSpelling(cursor))
            if name == f"{ARGUMENT}texts":
                self.own = cursors[:at]
                whole = str(clang.evaluate(cursor) or "")
                self.is_told = whole.endswith(START * 2)  # else what one expands to has ended it
                if self.is_told:
                    found = re.findall(rf"{START}(\d+){START}([^{_END}]*){_END}", whole)
                    self.texts = {int(index): text for index, text in found}
            elif name.startswith(f"{ARGUMENT}v") and not clang.isInvalidDeclaration(cursor):
                index, value = int(name[len(ARGUMENT) + 1 :]), clang.evaluate(cursor)
                kind = clang.getCanonicalType(clang.getCursorType(cursor)).kind
                if isinstance(value, (int, float)):
                    self.values[index] = value
                elif kind < COMPLEX and kind in IMPOSSIBLE:
                    self.problems.setdefault(index, IMPOSSIBLE[kind])
        self.is_clean = self.is_clean and len(self.own) < len(cursors)

    def take(self, own: list[Cursor]) -> None:
        """All the macros that the header leaves. `own` is what `self.own` is, with what is in
        C++'s blocks. Constants come first, then inline functions: macros may use both."""
        for name, value in self.plain.items():
            self._constant(name, value)
        for name, definition, reason in self.refused:
            self._refuse(name, definition, reason)
        functions = []
        for at, (name, definition) in enumerate(self.asked):
            index = self.same[at]
            if index in self.excluded:
                self._refuse(name, definition, "is no expression")
            elif definition.parameters is not None:
                functions.append((index, name, definition))
            elif index in self.texts:
                self._object(index, name, definition)
        for cursor in own if self.inline else ():
            if cursor.kind == _FUNCTION:
                self._inline(cursor)
        for index, name, definition in functions:
            self._function(index, name, definition)

    def _inline(self, cursor: Cursor) -> None:
        clang = self.clang
        name = clang.text(clang.getCursorSpelling(cursor))
        if name not in self.inline:
            return
        whole = clang.text(clang.getCursorPrettyPrinted(cursor, None))
        if returned := RETURN.search(whole):
            parameters, kind = self.inline[name]
            try:
                self.names[name] = translate(returned[1], parameters, self.names, "", kind)
            except Unsupported as reason:
                self.names[name] = unusable(
                    f"is an inline function, which no library has, and {reason}"
                )

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
                if LITERALS.fullmatch(inner):
                    self._constant(name, text_of(inner))
                    return
                problem = "a list" if is_list(definition.body) else self.problems.get(index, "")
                reason = f"is no constant ({problem})" if problem else "is no constant"
                if "by zero" in problem:
                    reason = "divides by zero"
            except Unsupported as error:
                reason = str(error)
            self._refuse(name, definition, reason)

    def _function(self, index: int, name: str, definition: Definition) -> None:
        if name in self.names and not is_a(self.names[name], "?"):
            return
        parameters = definition.parameters or ()
        try:
            if definition.is_open:
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
