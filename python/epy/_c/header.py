"""All that a header declares: for a plugin, and for the classes that the core makes of it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from .._file.stored_header import pack
from .answers import Answers
from .described import describe
from .expressions import ARGUMENT
from .kinds import ATTRIBUTED
from .libclang import Library, ReadError
from .literals import text_at_end
from .macros import Macros
from .messages import Problem, explain
from .terms import CONST, Unsupported, declared_type, is_a, named, unusable
from .types import CLASS, ENUM, STRUCT, UNION, UNUSED, Types
from .unit import BYTE_ORDER, OPTIONS, RECORD_MACROS, SKIP_BODIES, Unit

# clang-c/Index.h: CXCursorKind, CX_StorageClass
FUNCTION, _VARIABLE, _TYPEDEF, _ALIAS, _OTHERS, _MACRO = 8, 9, 20, 36, (1, 23), 501
_PARAMETER, _INCLUSION, _LAST_DECLARATION = 10, 503, 39
_ARRAYS = (112, 114)
_EXTERN, _STATIC = 2, 3
_OF_MACROS = [*OPTIONS, "-Wdivision-by-zero"]
_IGNORED = re.compile(r"\s*(#\s*(define\s+\w|pragma)|_Pragma)")  # what costs itself alone
_DEFINE = re.compile(r"\s*#\s*define\s+(\w+)")
# As an attribute of a struct it costs the struct, see `types`.
_OTHER_ORDER = re.compile(
    rb"(?:\bpragma\W+|_Pragma\W+|\bgnu\s*::\s*(?:__)?)%b(?:__)?\W+big" % BYTE_ORDER.encode()
)
_OF_CPLUSPLUS = "_Z"  # what such a function's symbol begins with
_CPLUSPLUS = re.compile(r"C\+\+|cplusplus", re.IGNORECASE)
_first = itemgetter(0)


class Header(Unit):
    """All that a header declares."""

    def __init__(self, clang: Library, request: dict[str, Any]) -> None:
        super().__init__(clang, request)
        self.inline: list[Any] = []
        self.constant: list[str] = []  # parameters, see `types`
        self.described: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        self.read_names()
        return self.answer(self.names)

    def read_names(self) -> None:
        self._look()
        if not self.request["lang"] and any(map(self._asks_for_cplusplus, self.problems)):
            self.is_cplusplus, self.standard = True, {}
            self._look()
        self._stop_if_hopeless()
        self.types = Types(self.clang, self.names, self.is_cplusplus)
        own = self._flat(self.own)
        if self.problems:
            self._find_rejected(own)
        if "PyObject" in self.standard:
            self.names["PyObject"] = ("t", "PyObject")
        self._declare_all(own)
        for problem in self.problems:
            self._refuse_lost(problem)
        for cursor in self.inline:
            self._let_return(cursor)
        asked = self.answers.own
        self.answers.take(own if asked is self.own else self._flat(asked))
        if self.problems and not self.is_text and not self._has_own_names():
            other = [it for it in self.problems if it.is_encoding]
            raise ReadError(self._explain([*other, *self.problems][0]))
        if self.constant:
            self.names[CONST] = ("c", " ".join(self.constant))
        if self.request["describe"]:
            self.described = self._described(own)

    def answer(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """With some of the names."""
        index, data = pack(names)
        return {
            "index": index,
            "data": data,
            "files": self.included,
            "missing": self._missing(),
            "described": self.described,
        }

    def _look(self) -> None:
        """What Clang says of the header. Where it skips all declarations it is three times as
        fast, and tells the macros: then it reads once, with lines behind that ask about these. If
        anything is wrong with the header, it is read without them, too."""
        clang = self.clang
        skipped = f"{self.before}void {ARGUMENT}skipped(void) {{\n{self.text}"
        outline = self._parse_outline(skipped)
        cursors = clang.children(clang.getTranslationUnitCursor(self._not_none(outline)))
        self.macros = [it for it in cursors if it.kind == _MACRO]
        self.inclusions = clang.names([it for it in cursors if it.kind == _INCLUSION])
        sources = self._sources(outline, skipped)
        self.answers = Answers(clang, self.names, self.is_cplusplus)
        self.answers.sort(Macros(clang, self.macros, sources))

        self.problems = []
        self.unit = self.answers.ask(self._text(), self._parse_whole)
        self.own = self.answers.own
        # Clang prints declarations otherwise where it has seen bodies.
        if not self.answers.is_clean or self.request["describe"]:
            self.unit = self._parse_with_standard_types()
            self.own = clang.children(clang.getTranslationUnitCursor(self.unit))
            if self.standard:
                self.answers.ask(self._text(), self._parse_whole)

    def _sources(self, unit: Any, text: str) -> dict[str, bytes]:
        """All that was read for a text."""
        self.included = [file for file, _ in self.clang.inclusions(unit) if file != self.main]
        found = {file: self._source(file) for file in dict.fromkeys(self.included)}
        return {**found, self.main: text.encode("utf-8", "surrogateescape")}

    def _parse_outline(self, text: str) -> Any:
        return self._parse(text, OPTIONS, SKIP_BODIES | RECORD_MACROS)

    def _parse_whole(self, text: str) -> Any:
        return self._parse(text, _OF_MACROS, 0)  # with the bodies of inline functions

    # What Clang rejects

    def _explain(self, problem: Problem) -> str:
        place = self._place(problem.file, problem.line)
        return explain(problem, place, self.name, self.is_text)

    def _place(self, file: str, line: int) -> str:
        if file != self.main:
            return f"{file}:{line}"
        before = self.before.count("\n")
        return f"<options>:{line}" if line <= before else f"{self.name}:{line - before - 1}"

    @staticmethod
    def _asks_for_cplusplus(problem: Problem) -> bool:
        return problem.is_error_directive and bool(_CPLUSPLUS.search(problem.message))

    def _is_option(self, problem: Problem) -> bool:
        """Whether it is in what stands before the text: -D, -include."""
        return problem.file == self.main and problem.line <= self.before.count("\n")

    def _stop_if_hopeless(self) -> None:
        """What is wrong with a text is its author's; of a header only what must not be left out."""
        for file in self.included:
            if b"\0" in self._source(file):
                raise ReadError(
                    f"{file}: is binary, or a text of two bytes a character: name a header, or "
                    "convert it (`iconv -f UTF-16 -t UTF-8`)"
                )
        for file in (*self.included, self.main):
            text = self._source(file)
            if BYTE_ORDER.encode() in text and (found := _OTHER_ORDER.search(text)):
                line = text.count(b"\n", 0, found.start()) + 1
                raise ReadError(
                    f"{self._place(file, line)}: numbers are in another byte order "
                    f"({BYTE_ORDER}), which only GCC knows: paste the declarations that you need "
                    "as text"
                )
        for problem in self.problems:
            own = problem.file == self.main and not _IGNORED.match(problem.shown)
            if problem.is_fatal or problem.is_error_directive or self._is_option(problem):
                raise ReadError(self._explain(problem))
            if own and (problem.is_grammar or problem.is_unknown_type):
                raise ReadError(self._explain(problem))

    def _find_rejected(self, cursors: list[Any]) -> None:
        """A declaration with an error in it, or just behind it, is no good."""
        clang, refused = self.clang, self.types.refused
        last: dict[int, tuple[int, Any]] = {}  # before each problem, on its line
        for cursor in cursors:
            if cursor.kind > _LAST_DECLARATION:
                continue
            extent = clang.getCursorExtent(cursor)
            file, line, _, start = clang.place(clang.getRangeStart(extent))
            end = clang.place(clang.getRangeEnd(extent))[3]
            for number, problem in enumerate(self.problems):
                if problem.file == file and start <= problem.offset <= end:
                    problem.is_found = True
                    refused[cursor.node] = self._reason(problem)
                elif problem.file == file and problem.line == line and end < problem.offset:
                    last[number] = max(last.get(number, (-1, None)), (start, cursor), key=_first)
            if cursor.node not in refused and clang.isInvalidDeclaration(cursor):
                refused[cursor.node] = self._reason(self.problems[0])
        for number, (_, cursor) in last.items():
            problem = self.problems[number]
            if not problem.is_found:
                problem.is_found = True
                refused.setdefault(cursor.node, self._reason(problem))

    def _reason(self, problem: Problem) -> str:
        return problem.reason(self._explain(problem))

    def _refuse_lost(self, problem: Problem) -> None:
        """The names on a line of which Clang makes no declaration."""
        if define := _DEFINE.match(problem.shown):
            self.names[define[1]] = unusable(f"is a macro that is not valid ({problem.message})")
        elif not problem.is_found:
            found = re.search(r"(\w+)\s*\(", problem.shown) or re.search(
                r"(\w+)\s*[;=\[]", problem.shown
            )
            if found and not found[1].isdigit():
                self.names.setdefault(found[1], unusable(self._reason(problem)))

    def _has_own_names(self) -> bool:
        return any(not is_a(found, "?") for found in self.names.values())

    # Declarations

    def _flat(self, cursors: list[Any]) -> list[Any]:
        """With those in extern "C" { }."""
        found = []
        for cursor in cursors:
            if cursor.kind in _OTHERS and self.is_cplusplus:
                found += self._flat(self.clang.children(cursor))
            else:
                found.append(cursor)
        return found

    def _declare_all(self, cursors: list[Any]) -> None:
        clang = self.clang
        tags = {STRUCT, UNION, CLASS, ENUM}
        unnamed = []
        for cursor in cursors:
            kind = cursor.kind
            name = ""
            try:
                if kind == FUNCTION:
                    name = clang.text(clang.getCursorSpelling(cursor))
                    self._function(cursor, name)
                elif kind in (_TYPEDEF, _ALIAS):
                    name = clang.text(clang.getCursorSpelling(cursor))
                    self.types.typedef(cursor)
                elif kind in tags:
                    if self.types.has_name(cursor):
                        self._tag(cursor)
                    else:  # what it declares names it
                        unnamed.append(cursor)
                elif kind == _VARIABLE:
                    name = clang.text(clang.getCursorSpelling(cursor))
                    self._variable(cursor, name)
            except Unsupported as reason:
                if name not in self.names or is_a(self.names[name], "?"):
                    self.names[name] = unusable(str(reason))
        for cursor in unnamed:
            self._tag(cursor, UNUSED)

    def _tag(self, cursor: Any, hint: str = "") -> None:
        self.types.tag(cursor, hint)
        if cursor.kind == ENUM and (reason := self.types.refused.get(cursor.node)):
            for child in self.clang.children(cursor):
                name = self.clang.text(self.clang.getCursorSpelling(child))
                self.names.setdefault(name, unusable(reason))

    def _function(self, cursor: Any, name: str) -> None:
        if name in self.names and not is_a(known := self.names[name], "?"):
            symbol = self._symbol(cursor, name)
            if is_a(known, "f") and symbol != name and not self._is_of_cplusplus(symbol, name):
                self.names[name] = named("f", declared_type(known), name, symbol)
            return
        clang = self.clang
        self.types.check(cursor)
        if self._is_inline(cursor):
            self.inline.append(cursor)
            self.names[name] = unusable("is an inline function, which no library has")
        elif self._is_of_cplusplus(symbol := self._symbol(cursor, name), name):
            self.names[name] = unusable("is a function of C++")
        else:
            found = clang.getCursorType(cursor)
            self.names[name] = named("f", self.types.type(found), name, symbol)
            while found.kind == ATTRIBUTED:
                found = clang.Type_getModifiedType(found)
            if bits := self.types.constant.get(found.address):
                self.constant.append(f"{name}:{bits}")

    def _is_inline(self, cursor: Any) -> bool:
        storage = self.clang.Cursor_getStorageClass(cursor)
        is_inlined = storage != _EXTERN and self.clang.Cursor_isFunctionInlined(cursor)
        return storage == _STATIC or bool(is_inlined)

    def _is_of_cplusplus(self, symbol: str, name: str) -> bool:
        """C may well declare a function of C++ by its symbol."""
        return self.is_cplusplus and symbol != name and symbol.startswith(_OF_CPLUSPLUS)

    def _symbol(self, cursor: Any, name: str) -> str:
        """What libraries call it: `int f(int) __asm__("g")` is their g."""
        if not self.is_cplusplus and not self.clang.Cursor_hasAttrs(cursor):
            return name
        symbol: str = self.clang.text(self.clang.Cursor_getMangling(cursor))
        return symbol

    def _variable(self, cursor: Any, name: str) -> None:
        clang = self.clang
        self.types.check(cursor)
        found = clang.getCursorType(cursor)
        kind = self.types.type(found, name)
        if is_a(self.types.resolved(kind), "("):
            self.names[name] = ("f", kind)
            return
        element = found
        while element.kind in _ARRAYS:
            element = clang.getElementType(element)
        if clang.isConstQualifiedType(element):
            value = clang.evaluate(cursor)
            if value is not None:
                if isinstance(value, str):  # perhaps not all of it
                    value = text_at_end(clang.text(clang.getCursorPrettyPrinted(cursor, None)))
                self.names[name] = ("c", value)
                return
        if clang.Cursor_getStorageClass(cursor) == _STATIC:
            self.names.setdefault(name, unusable("is a static variable, which no library has"))
        elif name not in self.names or not is_a(self.names[name], "c"):
            self.names[name] = named("v", kind, name, self._symbol(cursor, name))

    def _let_return(self, cursor: Any) -> None:
        """Let an inline function be one in Python, if all that it does is to return a value."""
        clang = self.clang
        children = [it for it in clang.children(cursor) if it.kind == _PARAMETER]
        parameters = clang.names(children) if children else []
        if all(parameters):
            name = clang.text(clang.getCursorSpelling(cursor))
            kind = self.types.type(clang.getCursorType(cursor))
            self.answers.inline[name] = parameters, kind

    def _described(self, own: list[Any]) -> Any:
        main = self.main if self.is_text else ""
        return describe(self.clang, self.unit, [*self.macros, *own], main)

    # Files

    def _missing(self) -> list[str]:
        """The files that would have been included instead, were they there."""
        quoted, plain, system = (
            [it.removeprefix(flag) for it in self.arguments if it.startswith(flag)]
            for flag in ("-iquote", "-I", "-isystem")
        )
        further = os.environ.get("CPATH", "").split(":")
        folders = [*quoted, *plain, *filter(None, further), *system]
        found = []
        for name in self.inclusions:
            for path in (os.path.join(folder, name) for folder in folders):
                if os.path.exists(path):
                    break
                found.append(path)
        return list(dict.fromkeys(found))
