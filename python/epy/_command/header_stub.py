"""`epy inspect --header --pyi`: what type checkers and editors need to know of a header.

A module of its own that reads the header, `host.py`, has the stub beside it, `host.pyi`, where mypy
and pyright find it by themselves.
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import _core, _header
from .._c.definitions import read
from .._c.flags import absolute
from .._c.terms import (
    CONST,
    constant_value,
    declared_type,
    field_name,
    field_type,
    function_result,
    is_a,
    macro_parameters,
    pointer_target,
)
from .._file.stamp import write
from .._parts import HeaderOptions
from .building import Building

_START = """\
# What epy.header({name!r}) has, for type checkers. Made by `epy inspect --header --pyi`.
from collections.abc import Callable
from typing import Any, Final, overload

from epy.typing import Address, Declarations, Out, Pointer, Record, Text, WideText

"""
_BUILTINS = "bool bytes complex dict property str tuple type"
_IMPORTED = [*re.findall(r"from (\S+) import (.+)", _START), ("builtins", _BUILTINS)]
_MODULES = {name: module for module, names in _IMPORTED for name in re.findall(r"\w+", names)}
# Before these stands \0 until it is known whether a member of the header has the same name.
_MARKED = re.compile(r"\0(\w+)")
_MEMBER = re.compile(r"^    (?:def )?(\w+)", re.MULTILINE)
_NUMBERS = {
    "c_bool": "\0bool",
    "c_float": "float",
    "c_double": "float",
    "c_longdouble": "float",
    "c_float_complex": "\0complex",
    "c_double_complex": "\0complex",
    "c_char": "\0bytes",
    "c_wchar": "\0str",
    "PyObject": "\0Any",
}
_TAGS = ("struct", "union")


def render_stub(
    name: str,
    module: str,
    flags: Iterable[tuple[str, str]] = (),
    packages: Iterable[str] = (),
) -> str:
    """A stub for a module that has the header by its own name. Raises HeaderError."""
    options = HeaderOptions(absolute(flags), tuple(packages))
    script = Building("inspect", str(Path.cwd()), options)
    definitions = read(name, (), {}, script)
    return _Stub(
        _header.Header(os.path.basename(name), definitions, {}, {}, _core.Kept(), None)
    ).of(name, module, definitions.names)


def save(path: Path, text: str) -> None:
    """Put a stub in place."""
    write(path, text.encode("utf-8", "backslashreplace"), 0o644)


class _Stub:
    def __init__(self, header: Any) -> None:
        self.header = header
        self.find = header._declarations.find
        self.classes: dict[str, str] = {}  # names of records, by their keys
        constant = self.find(CONST)
        words = constant_value(constant).split() if constant else ()
        self.constant = dict(it.split(":") for it in words)  # see `_c.terms`

    def of(self, name: str, module: str, names: dict[str, Any]) -> str:
        taken = {module, *_MODULES}
        for key, found in names.items():
            keyword_, _, tag = key.partition(" ")
            if keyword_ in _TAGS and found[0] in _TAGS:
                plain = "".join(it if it.isalnum() else "_" for it in tag.strip("{}'"))
                plain = plain if _is_name(plain) else f"record_{plain}"
                while plain in taken:
                    plain += "_"
                taken.add(plain)
                self.classes[key] = plain
        lines: list[str] = []
        for key, plain in self.classes.items():
            lines += self._record(plain, names[key])
        members: list[str] = []
        for key, found in names.items():
            if _is_name(key) and not hasattr(_header.Header, key):
                members += self._member(key, found)
            elif key.split(" ")[0] in _TAGS and _is_name(tag := key.partition(" ")[2]):
                if tag not in names and key in self.classes:
                    members.append(f"{tag}: \0type[_{self.classes[key]}]")
        lines += [f"_{plain} = {plain}" for plain in self.classes.values()]
        lines += [f"\nclass _Header(Declarations):{'' if members else ' ...'}"]
        lines += [f"    {it}" for it in members]
        text = "\n".join([*lines, "", f"{module}: _Header", ""])
        hidden = _MODULES.keys() & _MEMBER.findall(text)
        start = [f"from {_MODULES[it]} import {it} as _epy_{it}" for it in sorted(hidden)]
        text = _MARKED.sub(lambda it: f"_epy_{it[1]}" if it[1] in hidden else it[1], text)
        return "\n".join([_START.format(name=name).rstrip(), *start, "\n", text])

    def _record(self, plain: str, definition: Any) -> list[str]:
        fields = dict(self._fields(definition))
        given = ", ".join(f"{name}: {taken} = ..." for name, (_, taken) in fields.items())
        own, values = (f"_{it}" if it in fields else it for it in ("self", "values"))
        lines = [f"class {plain}(Record):"]
        for name, (found, taken) in fields.items():
            if found == taken:
                lines.append(f"    {name}: {found}")
            else:
                lines += [
                    "    @\0property",
                    f"    def {name}(self) -> {found}: ...",
                    f"    @{name}.setter",
                    f"    def {name}(self, value: {taken}, /) -> None: ...",
                ]
        lines.append(
            f"    def __init__({own}, *{values}: \0Any{', ' if given else ''}{given}) -> None: ..."
        )
        return [*lines, ""]

    def _fields(self, definition: Any) -> Iterable[tuple[str, tuple[str, str]]]:
        _, _, _, _, fields, anonymous, bits, members, _ = definition
        kinds = dict(fields)
        kinds |= {field_name(it): field_type(it) for it in bits}
        for name in members:
            if name in anonymous:
                inner = self.header._classes.resolved(kinds[name])
                yield from self._fields(self.find(" ".join(inner)))
            elif _is_name(name):
                yield name, (self._found(kinds[name]), self._taken(kinds[name]))

    def _member(self, name: str, found: Any) -> list[str]:
        kind = found[0]
        if kind == "c":
            value = constant_value(found)
            is_literal = isinstance(value, (int, str, bytes))
            return [
                f"{name}: \0Final{f' = {value!r}' if is_literal else f'[{type(value).__name__}]'}"
            ]
        if kind in ("m", "x"):
            given = "".join(f", {_plain(it)}: \0Any" for it in macro_parameters(found))
            return [f"def {name}(self{given}) -> \0Any: ..."]
        if kind == "f":
            return self._function(name, self.header._classes.resolved(declared_type(found)))
        if kind == "v":
            return [f"{name}: \0Any"]
        if kind == "t":
            meant = self.header._classes.resolved(declared_type(found))
            is_record = isinstance(meant, tuple) and meant[0] in _TAGS
            plain = self.classes.get(" ".join(meant)) if is_record else None
            return [f"{name}: \0type[_{plain}]" if plain else f"{name}: \0Any"]
        return []

    def _function(self, name: str, kind: Any) -> list[str]:
        _, result, parameters, is_open = kind
        bits = int(self.constant.get(name, 0))
        taken = [self._taken(it) for it in parameters]
        more = [
            f"{it} | \0Out" if self._is_written(kind, bits >> index & 1) else it
            for index, (kind, it) in enumerate(zip(parameters, taken, strict=True))
        ]
        shown = [_signature(name, taken, is_open, self._found(result))]
        if more != taken:
            shown.append(_signature(name, more, is_open, "\0Any"))
            return [line for it in shown for line in ("@\0overload", it)]
        return shown

    def _is_written(self, kind: Any, is_constant: int) -> bool:
        meant = self.header._classes.resolved(kind)
        if not is_a(meant, "*") or is_constant:
            return False
        target = self.header._classes.resolved(pointer_target(meant))
        if isinstance(target, tuple) and target[0] in _TAGS:
            return " ".join(target) in self.classes
        return target is not None and not (isinstance(target, tuple) and target[0] in "(?")

    def _found(self, kind: Any) -> str:
        """What Python gets."""
        meant = self.header._classes.resolved(kind)
        if meant is None:
            return "None"
        if isinstance(meant, str):
            return _NUMBERS.get(meant, "int")
        if meant[0] in _TAGS:
            # By another name than the class's own, which a field or a function may have too.
            plain = self.classes.get(" ".join(meant))
            return f"_{plain}" if plain else "\0Any"
        if meant[0] == "enum":
            return "int"
        if meant[0] == "[":
            return "\0Any"
        return self._pointer(pointer_target(meant)) if is_a(meant, "*") else "\0Any"

    def _pointer(self, target: Any) -> str:
        meant = self.header._classes.resolved(target)
        if meant is None:
            return "int | None"
        if meant in ("c_char", "c_wchar"):
            return "\0bytes | None" if meant == "c_char" else "\0str | None"
        if is_a(meant, "("):
            return f"\0Callable[..., {self._found(function_result(meant))}]"
        found = self._found(target)
        is_record = isinstance(meant, tuple) and meant[0] in _TAGS
        return found if is_record or found == "\0Any" else f"\0Pointer[{found}]"

    def _taken(self, kind: Any) -> str:
        """What Python may give."""
        meant = self.header._classes.resolved(kind)
        if not isinstance(meant, tuple) or meant[0] == "enum":
            return self._found(kind)
        if meant[0] in _TAGS:
            return f"{self._found(kind)} | \0tuple[\0Any, ...] | \0dict[\0str, \0Any]"
        if meant[0] != "*":
            return "\0Any"
        target = self.header._classes.resolved(pointer_target(meant))
        if target in ("c_char", "c_wchar"):
            return "\0Text" if target == "c_char" else "\0WideText"
        return "\0Address"


def _signature(name: str, types: list[str], is_open: int, result: str) -> str:
    given = "".join(f", a{index}: {it}" for index, it in enumerate(types, 1))
    given += ", /" if given else ""
    given += ", *more: \0Any" if is_open else ""
    return f"def {name}(self{given}) -> {result}: ..."


def _plain(parameter: str) -> str:
    """A macro's parameter as C has it, if Python can."""
    return parameter if _is_name(parameter) else f"p_{parameter}"


def _is_name(text: str) -> bool:
    is_python = text.isidentifier() and not keyword.iskeyword(text)
    return is_python and not text.startswith("__")
