"""What Clang reports, in one line with what to do."""

from __future__ import annotations

import re

from .standard_types import HEADERS

_UNKNOWN = re.compile(r"(?:unknown type name|use of undeclared identifier) '(\w+)'")
_LIST = ("a parameter list without types", "type specifier missing", "expected identifier")
_INCOMPLETE = re.compile(r"incomplete type '(?:const |volatile )*((?:struct|union|enum) \w+)'")
_NO_TYPE = "type name requires a specifier or qualifier"
_NAME = re.compile(r"[^\W\d]\w*")
_FOLDER = "give its folder by include= or `epy build -I DIR`, or its package by pkg= or --pkg"
_OTHER_ENCODING = re.compile("not valid UTF-8|byte order mark detected")
_CPLUSPLUS = ("class", "namespace", "template", "using")


class Problem:
    """One error of Clang's."""

    def __init__(
        self,
        file: str,
        line: int,
        column: int,
        offset: int,
        message: str,
        category: str,
        shown: str,
        is_fatal: bool,
    ) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.offset = offset
        self.message = message
        self.shown = shown
        self.is_fatal = is_fatal
        self.is_error_directive = category.startswith("User-Defined")
        self.is_directive = category.startswith("Lexical")
        self.is_grammar = self.is_directive or category.startswith("Parse")
        self.is_unknown_type = message.startswith("unknown type name")
        self.is_encoding = _OTHER_ENCODING.search(message) is not None
        self.is_found = False  # in a declaration

    def missing_types(self) -> list[str]:
        """Names that may be types which are not declared."""
        if found := _UNKNOWN.match(self.message):
            return [found[1]]
        if self.message.startswith(_NO_TYPE):  # it stands there: `ssize_t (*read)(int, char *);`
            return _NAME.findall(self.shown, self.column - 1)[:1]
        return _NAME.findall(self.shown) if self.message.startswith(_LIST) else []

    def reason(self, explained: str) -> str:
        """Why a declaration cannot be used, behind its name."""
        if self.message.startswith((*_LIST, _NO_TYPE)):
            name = _NAME.match(self.shown, self.column - 1)
            return (
                f"has the unknown type '{name[0] if name else '?'}': declare it in the header's "
                "text, or write void * for a pointer to it"
            )
        return f"is rejected by Clang: {explained}"


def explain(problem: Problem, place: str, name: str, is_text: bool) -> str:
    """With its place, the offending line, and what to do."""
    message, shown = problem.message, problem.shown.strip()
    missing = re.match(r"'(.*)' file not found", message)
    if missing and missing[1] == name and not is_text:
        remedy = _FOLDER
        if "(" in name or "{" in name:
            remedy = "if it is a text of declarations, end them with `;`"
        return f"header '{name}' not found: {remedy}"
    if missing:
        message = f"header '{missing[1]}' not found"
        remedy = _FOLDER
    elif problem.is_error_directive:
        message = f"#error {message}"
        remedy = "set what it asks for by define= or `epy build -D NAME=VALUE`"
    elif problem.is_unknown_type and (found := _UNKNOWN.match(message)):
        if found[1] in _CPLUSPLUS:
            message = "is C++, not C"
            remedy = 'read it with lang="c++", or paste its C declarations as text'
        else:
            message = f"the type '{found[1]}' is not declared"
            header = HEADERS.get(found[1])
            remedy = (
                f"{f'#include <{header}>' if header else '#include its header'}, declare it "
                f"(`typedef ... {found[1]};`), or give a macro its value by define= or "
                "`epy build -D`"
            )
    elif problem.is_encoding:
        message = f"is not UTF-8 ({message})"
        remedy = "convert it (`iconv -f ENCODING -t UTF-8`), or paste the declarations as text"
    elif problem.is_directive:
        message = f"does not preprocess ({message})"
        remedy = "correct it, or paste the declarations as text"
    elif found := _INCOMPLETE.search(message):
        message = f"is not valid C ({message})"
        remedy = (
            f"include what declares '{found[1]}' before: a text of #include lines, or "
            "`epy build -include FILE`"
        )
    elif not problem.is_grammar:
        message = f"is not valid C ({message})"
        remedy = "correct it, or paste the declarations that you need as text"
    else:
        message = f"does not parse ({message})"
        remedy = (
            "a macro may lack its #include (include=, epy build -I) or its value (define=, epy "
            "build -D); or paste the declarations as text"
        )
    where = f" in `{shown[:200]}`" if shown else ""
    return f"{place}: {message}{where}: {remedy}"
