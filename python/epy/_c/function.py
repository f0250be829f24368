"""The type of one C function, or function pointer, of which a script has the prototype."""

from __future__ import annotations

import re
from typing import Any

from .libclang import ReadError
from .messages import Problem
from .terms import is_a
from .types import Types
from .unit import Unit

_FUNCTION, _VARIABLE, _PARAMETER, _TYPEDEF = 8, 9, 10, 20  # clang-c/Index.h, CXCursorKind
_OUTER = "__epy_outer"
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
        types = Types(self.clang, self.names, False)
        types.decays = False
        clang = self.clang
        if len(cursors) != 1 or text.endswith("}"):
            raise ReadError("is no single C prototype, such as 'int add(int a, int b)'")
        found = types.type(clang.getCursorType(cursors[0]))
        if name == _OUTER:
            if len(found[2]) != 1:
                raise ReadError("is no single C prototype, such as 'int add(int a, int b)'")
            name, found = "", found[2][0]
            cursors = [it for it in clang.children(cursors[0]) if it.kind == _PARAMETER]
        if is_a(found, "*"):
            found = found[1]
        if not is_a(found, "("):
            raise ReadError("is no function, such as 'int add(int a, int b)'")
        return {
            "function": name,
            "type": self._plain(found),
            "parts": self._parts(cursors[0]),
            "files": [],
            "missing": [],
        }

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
        if found[0] == "t" and found[1] not in self.given:
            return "PyObject" if found[1] == "PyObject" else self._plain(self.names[found[1]][1])
        return tuple(
            tuple(map(self._plain, part)) if index == 2 and found[0] == "(" else self._plain(part)
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
