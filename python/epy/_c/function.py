"""The types of C functions, or function pointers, of which a script has the prototypes."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from .libclang import ReadError
from .messages import Problem
from .standard_types import STANDARD
from .terms import Unsupported, alias_name, declared_type, is_a, pointer_target
from .types import Types
from .unit import OPTIONS, SKIP_BODIES, Unit

_FUNCTION, _VARIABLE, _PARAMETER, _TYPEDEF = 8, 9, 10, 20  # clang-c/Index.h, CXCursorKind
_OUTER = "__epy_outer"
_NO_FILES: dict[str, list[str]] = {"files": [], "missing": []}
_UNKNOWN_TYPE = re.compile(r"unknown type(?: name)? '(\w+)'")


class Prototype(Unit):
    """The type of one function, or function pointer."""

    def read(self) -> dict[str, Any]:
        self.given = set(re.findall(r"\w+", self.before))
        text = self.text
        self.text = f"{text};\n"
        name, cursors = self._declared()
        if self.problems:  # it may have no name: then it is what a parameter may be
            problems = self.problems
            self.text = f"void {_OUTER}({text});\n"
            name, cursors = self._declared()
            if self.problems or text in ("", "void"):
                raise ReadError(self._explain_prototype([*problems, *self.problems], text))
        types = self._types()
        if len(cursors) != 1 or text.endswith("}"):
            raise ReadError("is no single C prototype, such as 'int add(int a, int b)'")
        if name == _OUTER:
            cursors = [it for it in self.clang.children(cursors[0]) if it.kind == _PARAMETER]
            if len(cursors) != 1:
                raise ReadError("is no single C prototype, such as 'int add(int a, int b)'")
            name = ""
        return {**self._function(types, name, cursors[0]), **_NO_FILES}

    def _types(self) -> Types:
        types = Types(self.clang, self.names, False)
        types.decays = False
        return types

    def _function(self, types: Types, name: str, cursor: Any) -> dict[str, Any]:
        found = types.type(self.clang.getCursorType(cursor))
        if is_a(found, "*"):
            found = pointer_target(found)
        if not is_a(found, "("):
            raise ReadError("is no function, such as 'int add(int a, int b)'")
        return {"function": name, "type": self._plain(found), "parts": self._parts(cursor)}

    def _declared(self) -> tuple[str, list[Any]]:
        """What the text declares, and the name of the last."""
        clang = self.clang
        unit = self._parse_with_standard_types()
        line = self._text().count("\n")
        found = [
            cursor
            for cursor in clang.children(clang.getTranslationUnitCursor(unit))
            if cursor.kind in (_FUNCTION, _VARIABLE, _TYPEDEF)
            and clang.place(clang.getCursorLocation(cursor))[1] >= line
        ]
        return clang.text(clang.getCursorSpelling(found[-1])) if found else "", found

    def _plain(self, found: Any) -> Any:
        """Without typedefs of the standard's, which nobody else has."""
        if not isinstance(found, tuple):
            return found
        if is_a(found, "t") and (name := alias_name(found)) not in self.given:
            known = name == "PyObject"
            return "PyObject" if known else self._plain(declared_type(self.names[name]))
        return tuple(
            tuple(map(self._plain, part)) if index == 2 and is_a(found, "(") else self._plain(part)
            for index, part in enumerate(found)
        )

    def _parts(self, cursor: Any) -> list[Any]:
        """The names of the parameters, each with those of its own."""
        return [
            (self.clang.text(self.clang.getCursorSpelling(child)), self._parts(child))
            for child in self.clang.children(cursor)
            if child.kind == _PARAMETER
        ]

    def _explain_prototype(self, problems: list[Problem], text: str) -> str:
        for problem in problems:
            found = _UNKNOWN_TYPE.search(problem.reason(problem.message))
            if found and not text.isidentifier():
                return f"has the unknown type '{found[1]}'"
        place = f"at column {problems[0].column}: {problems[0].message}"
        remedy = "a name goes into name=" if text.isidentifier() else "write it as in C"
        return f"does not parse ({place}): {remedy}"


class Prototypes(Prototype):
    """Those of a script, in one look: None for each that has to be looked at alone."""

    def read(self) -> dict[str, Any]:
        texts: list[str] = self.request["texts"]
        self.given = set(re.findall(r"\w+", self.before))
        # Two lines each: one without a name may be what a parameter is.
        self.text = "".join(f"{it};\nvoid {_OUTER}{n}({it});\n" for n, it in enumerate(texts))
        words = dict.fromkeys(re.findall(r"\w+", self.text))
        self.standard = {it: None for it in words if it in STANDARD and it not in self.given}
        unit = self._parse(self._text(), OPTIONS, SKIP_BODIES)
        if unit is None:
            raise ReadError("libclang failed")
        self.problems = self._diagnostics(unit)
        first = self._text().count("\n") - 2 * len(texts) + 1
        lines: dict[int, list[Any]] = {}
        clang = self.clang
        for cursor in clang.children(clang.getTranslationUnitCursor(unit)):
            if cursor.kind in (_FUNCTION, _VARIABLE, _TYPEDEF):
                line = clang.place(clang.getCursorLocation(cursor))[1]
                lines.setdefault(line - first, []).append(cursor)
        bad = {problem.line - first for problem in self.problems}
        types = self._types()
        found = [self._one(types, lines, bad, 2 * number) for number in range(len(texts))]
        # What is declared twice has something of the other declaration.
        count = Counter(it["function"] for it in found if it)
        single = [
            it if it and (not it["function"] or count[it["function"]] == 1) else None
            for it in found
        ]
        return {"found": [None] * len(texts) if min(bad, default=0) < 0 else single, **_NO_FILES}

    def _one(
        self, types: Types, lines: dict[int, list[Any]], bad: set[int], line: int
    ) -> dict[str, Any] | None:
        clang = self.clang
        cursors = lines.get(line, [])
        if line in bad:
            outer = [] if line + 1 in bad else lines.get(line + 1, [])
            cursors = [it for one in outer for it in clang.children(one) if it.kind == _PARAMETER]
        if len(cursors) != 1:
            return None
        name = clang.text(clang.getCursorSpelling(cursors[0]))
        if line in bad and name:  # as a declaration it is wrong
            return None
        try:
            return self._function(types, name, cursors[0])
        except (ReadError, Unsupported):
            return None
