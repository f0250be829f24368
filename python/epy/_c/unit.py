"""A text of C as Clang has parsed it, and what Clang reports."""

from __future__ import annotations

import os
from typing import Any

from .libclang import ERROR, FATAL, Library, ReadError
from .messages import Problem
from .standard_types import STANDARD

BYTE_ORDER = "scalar_storage_order"
SKIP_BODIES, RECORD_MACROS = 0x40, 0x01  # clang-c/Index.h, CXTranslationUnit_Flags
OPTIONS = [
    *("-Wno-everything", "-Werror=implicit-int"),
    *("-ferror-limit=0", "-fno-spell-checking", "-fno-builtin"),
    # An attribute of GCC's that changes what memory means, and that Clang would pass over.
    *(f'-D{it}(order)=annotate("{BYTE_ORDER}" order)' for it in (BYTE_ORDER, f"__{BYTE_ORDER}__")),
]
_C, _CPLUSPLUS = ("-xc", "-std=gnu17"), ("-xc++", "-std=gnu++17")
_TYPEDEFS = {
    "PyObject": "typedef struct _object PyObject;",
    "wchar_t": "typedef __WCHAR_TYPE__ wchar_t;",
}  # of what is no other name of a built-in type


class Unit:
    """A text of C that is read."""

    def __init__(self, clang: Library, request: dict[str, Any]) -> None:
        self.clang: Any = clang
        self.request = request
        self.name: str = request["name"]
        self.is_text: bool = request["is_text"]
        self.main = os.path.join(request["folder"], "<text>" if self.is_text else "<header>")
        clang.main = self.main
        self.arguments: list[str] = request["arguments"]
        self.text: str = request["text"]
        self.before = "".join(f"{line}\n" for line in request["before"])
        self.standard: dict[str, None] = {}
        self.names: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.files: dict[str, bytes] = {}
        self.is_cplusplus = request["lang"] == "c++"

    # The text

    def _text(self) -> str:
        # One line before, always: then what is in the text has its own line but one.
        standard = " ".join(
            _TYPEDEFS.get(it) or f"typedef {STANDARD[it]} {it};" for it in self.standard
        )
        return f"{self.before}{standard}\n{self.text}"

    def _parse(self, text: str, options: list[str], flags: int) -> Any:
        encoded = text.encode("utf-8", "surrogateescape")
        language = _CPLUSPLUS if self.is_cplusplus else _C
        arguments = [*language, *self.arguments, *options]
        return self.clang.parse(self.main, encoded, arguments, flags)

    def _not_none(self, unit: Any) -> Any:
        if unit is None:
            raise ReadError(f"{self.name}: libclang failed: paste the declarations as text")
        return unit

    def _parse_with_standard_types(self) -> Any:
        """Types of C and POSIX that a text names and does not declare are known."""
        while True:
            unit = self._not_none(self._parse(self._text(), OPTIONS, SKIP_BODIES))
            self.problems = self._diagnostics(unit)
            missing = [it for problem in self.problems for it in problem.missing_types()]
            new = [it for it in missing if it in STANDARD and it not in self.standard]
            if not new:
                return unit
            self.standard |= dict.fromkeys(new)

    def _diagnostics(self, unit: Any) -> list[Problem]:
        clang = self.clang
        found = []
        for severity, (file, line, column, offset), message, one in clang.problems(unit):
            if severity >= ERROR:
                category = clang.text(clang.getDiagnosticCategoryText(one))
                shown = self._line(file, line)
                is_fatal = severity == FATAL
                found.append(
                    Problem(file, line, column, offset, message, category, shown, is_fatal)
                )
        return found

    def _line(self, file: str, number: int) -> str:
        lines = self._source(file).split(b"\n")
        shown = lines[number - 1] if 0 < number <= len(lines) else b""
        return shown.decode("utf-8", "surrogateescape")

    def _source(self, file: str) -> bytes:
        if file == self.main:  # which grows
            return self._text().encode("utf-8", "surrogateescape")
        if file not in self.files:
            try:
                with open(file, "rb") as opened:
                    self.files[file] = opened.read()
            except OSError:
                self.files[file] = b""
        return self.files[file]
