"""A header as a compiler's parser would see it: by pcpp, or by a preprocessor that the user names.

epy's own `include` folder comes first: what a compiler would bring, so that none is needed.
"""

from __future__ import annotations

import copy
import io
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pcpp

from .._errors import HeaderError
from .._file.read import read_file
from .tokens import RawLexer, Token, tokenize

OWN = Path(__file__).with_name("include")
SYSTEM = [
    Path("/usr/local/include"),
    Path("/usr/include/x86_64-linux-gnu"),
    Path("/usr/include"),
    OWN / "fallback",
]
_COUNTED = ("__LINE__", "__COUNTER__")
_PREDEFINED = OWN / "predefined.h"
_LINE_MARKER = re.compile(r'# (\d+) "([^"]*)"')


class Macro(NamedTuple):
    """A macro: its parameters (None if it takes none), and where it stands."""

    parameters: list[str] | None
    file: str
    line: int


class Source:
    """A preprocessed header: its tokens, and its macros at the end."""

    def __init__(self, tokens: list[Token], macros: dict[str, Macro], library: Any) -> None:
        self.tokens = tokens
        self.macros = macros
        self._library = library
        self.error = library.problems.error

    def expand(self, name: str) -> list[str]:
        """What a macro stands for, its parameters left as they are; HeaderError if that is nothing
        that can be expanded."""
        macro = self._library.macros[name]
        try:
            tokens = self._library.expand_macros(list(macro.value))
        except Exception as error:  # pcpp's own complaint about a malformed macro
            raise HeaderError(str(error)) from None
        return [token.value for token in tokens if not token.value.isspace()]


def line_of(file: str, number: int) -> str:
    """A line of a file, to show it; "" if it cannot be read."""
    try:
        lines = read_file(file).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


class _Problems:
    """Where a text that is no file came from, for messages."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines = text.splitlines()

    def error(self, file: str, line: int, message: str, remedy: str) -> HeaderError:
        if file == os.path.abspath(self.name):
            file = self.name
        shown = line_of(file, line)
        if not shown and file == self.name and 0 < line <= len(self.lines):
            shown = self.lines[line - 1].strip()
        message = " ".join(message.split())
        return HeaderError(f"{file}:{line}: {message}{f' in `{shown}`' if shown else ''}: {remedy}")


class _Preprocessor(pcpp.Preprocessor):  # type: ignore[misc]
    """pcpp, raising HeaderError where a compiler would stop."""

    def __init__(self, problems: _Problems) -> None:
        super().__init__(RawLexer())
        self.problems = problems
        self.rewrite_paths: list[Any] = []
        self.line_directive = None
        for name in ("__DATE__", "__TIME__", "__PCPP__"):
            self.undef(name)

    def expand_macros(self, tokens: list[Any], *names: Any) -> list[Any]:
        """The same, but quick where there is nothing to expand."""
        texts = {token.value for token in tokens}
        if self.macros.keys().isdisjoint(texts) and texts.isdisjoint(_COUNTED):
            return tokens
        found: list[Any] = super().expand_macros(tokens, *names)
        return found

    def on_error(self, file: str, line: int, message: str) -> None:
        raise self.problems.error(
            str(file), line, message, "correct it, or paste the declarations as text"
        )

    def on_file_open(self, is_system_include: bool, includepath: str) -> Any:
        try:
            text = read_file(includepath)
        except (FileNotFoundError, NotADirectoryError):
            raise  # it may be in the next folder
        except OSError as error:
            place = self.lastdirective
            message = f"{includepath}: cannot be read ({error.strerror})"
            raise self.problems.error(
                place.source, place.lineno, message, "name a header"
            ) from None
        return io.StringIO(text.decode("utf-8-sig", "surrogateescape"))

    def on_include_not_found(
        self, is_malformed: bool, is_system_include: bool, curdir: str, includepath: str
    ) -> None:
        place = self.lastdirective
        if is_malformed:
            self.on_error(place.source, place.lineno, "malformed #include")
        remedy = "give its folder by include= or `epy build -I DIR`"
        if includepath == self.problems.name:
            if "(" in includepath or "{" in includepath:
                remedy = "if it is a text of declarations, end them with `;`"
            raise HeaderError(f"header '{includepath}' not found: {remedy}")
        message = f"header '{includepath}' not found"
        raise self.problems.error(place.source, place.lineno, message, remedy)

    def on_unknown_macro_in_defined_expr(self, token: Any) -> bool:
        return bool(token.value == "__has_include")

    def evalexpr(self, tokens: list[Any]) -> Any:
        """An #if's value; pcpp itself does not know `__has_include`."""
        tokens = self.tokenstrip(
            [copy.copy(token) for token in tokens if not token.value.isspace()]
        )
        texts = [token.value for token in tokens]
        while "__has_include" in texts[:-2]:
            start = texts.index("__has_include")
            if texts[start + 1] != "(":  # in `defined __has_include`
                texts[start] = ""
                continue
            end = texts.index(")", start)
            name = "".join(texts[start + 2 : end]).strip('"<>')
            folders = [*self.temp_path, *self.path]
            found = any(os.path.isfile(os.path.join(folder, name)) for folder in folders)
            tokens[start].type, tokens[start].value = self.t_INTEGER, "1" if found else "0"
            del tokens[start + 1 : end + 1], texts[start + 1 : end + 1]
            texts[start] = ""
        return super().evalexpr(tokens)

    def on_directive_unknown(
        self, directive: Any, tokens: Any, ifpassthru: bool, precedingtoks: Any
    ) -> bool | None:
        if directive.value == "pragma":
            return None  # `#pragma pack` matters
        text = "".join(token.value for token in tokens)
        if directive.value == "error":
            raise self.problems.error(
                directive.source,
                directive.lineno,
                f"#error {text}",
                "set what it asks for by define= or `epy build -D NAME=VALUE`",
            )
        if directive.value == "include_next":
            raise self.problems.error(
                directive.source,
                directive.lineno,
                "#include_next is not supported",
                "use --cpp with a compiler's preprocessor, or paste the declarations as text",
            )
        return True  # #warning, #ident, #line


def preprocess(
    text: str,
    name: str,
    *,
    include: Iterable[str | os.PathLike[str]] = (),
    define: Mapping[str, Any],
    command: str | None = None,
) -> Source:
    """Preprocess C text that is called `name` in messages. Raises HeaderError.

    `include` are folders to search before the system's. `define` are macros (True: 1). `command`,
    if given, is run in place of pcpp, for headers that only a compiler's preprocessor understands:
    it gets -E -dD, the folders as -I, the macros as -D, and the text on its standard input.
    """
    problems = _Problems(text, name)
    library = _Preprocessor(problems)
    for folder in (*include, OWN, *SYSTEM):
        library.add_path(os.fspath(folder))
    library.rewrite_paths = []
    macros = {key: "1" if value is True else str(value) for key, value in define.items()}
    if command is not None:
        return _run_command(command, text, include, macros, problems, library)
    library.parse(_PREDEFINED.read_text(), "predefined.h")
    while library.token() is not None:
        pass
    predefined = set(library.macros)
    for key, value in macros.items():
        library.define(f"{key} {value}")
    library.parse(text, name)
    library.temp_path.clear()
    try:
        return Source(_tokens(library, name), _macros(library, predefined), library)
    except RecursionError:
        raise HeaderError(f"{name}: its #includes or macros are nested too deeply") from None
    except (IndexError, AttributeError, TypeError, ValueError) as error:
        if isinstance(error, HeaderError):
            raise
        place = library.lastdirective  # pcpp stumbles over a malformed one
        file, line = (place.source, place.lineno) if place else (name, 1)
        raise problems.error(
            file, line, "does not preprocess", "correct it, or paste the declarations as text"
        ) from None


def _tokens(library: Any, name: str) -> list[Token]:
    tokens: list[Token] = []
    pragma: list[str] = []
    files = {"": name, os.path.abspath(name): name}
    for token in library.parser:
        text = token.value
        if pragma:
            pragma.append(text)
            if "\n" not in text:
                continue
            text, pragma = "".join(pragma).rstrip(), []
        elif text == "#":
            pragma = [text]
            continue
        elif not text or text.isspace():
            continue
        tokens.append(Token(text, files.get(token.source, token.source), token.lineno))
    return tokens


def _macros(library: Any, predefined: set[str]) -> dict[str, Macro]:
    return {
        name: Macro(
            None if macro.arglist is None else list(macro.arglist), str(macro.source), macro.lineno
        )
        for name, macro in library.macros.items()
        if name not in predefined and name not in ("__FILE__", "__LINE__")
    }


def _run_command(
    command: str,
    text: str,
    include: Iterable[str | os.PathLike[str]],
    macros: Mapping[str, str],
    problems: _Problems,
    library: Any,
) -> Source:
    arguments = [*shlex.split(command), "-E", "-dD", "-x", "c"]
    arguments += [f"-I{os.fspath(folder)}" for folder in include]
    arguments += [f"-D{name}={value}" for name, value in macros.items()]
    try:
        done = subprocess.run(
            [*arguments, "-"], input=text, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise HeaderError(
            f"--cpp {command}: {error.strerror}: give a command that preprocesses C"
        ) from None
    if done.returncode != 0:
        first = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise HeaderError(f"{problems.name}: `{command}` failed: {first}")
    return Source(*_read_output(done.stdout, problems.name, library), library)


def _read_output(text: str, name: str, library: Any) -> tuple[list[Token], dict[str, Macro]]:
    """Tokens and macros of what a compiler's preprocessor wrote: lines, line markers, #defines."""
    tokens: list[Token] = []
    file, number = name, 0
    own: set[str] = set()
    for line in text.splitlines():
        number += 1
        marker = _LINE_MARKER.match(line)
        if marker:
            file, number = marker[2], int(marker[1]) - 1
            file = name if file == "<stdin>" else file
        elif line.startswith("#define "):
            library.define(line[8:])
            if file.startswith("<"):
                own.add(re.split(r"\W", line[8:], maxsplit=1)[0])
        elif line.startswith("#undef "):
            library.undef(line[7:])
        elif line.lstrip().startswith("#"):
            tokens.append(Token(line.strip(), file, number))
        else:
            tokens += [Token(token, file, number) for token in tokenize(line)]
    return tokens, _macros(library, own)
