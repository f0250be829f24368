"""`epy new --header`: a script with the functions that a host looks up, taken from its header."""

from __future__ import annotations

import builtins
import json
import keyword
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from .. import _core, _header
from .._c.definitions import Definitions, read
from .._c.flags import absolute
from .._c.spelling import declare, declare_function
from .._c.terms import (
    alias_name,
    declared_type,
    function_parameters,
    function_result,
    is_a,
    layout_fields,
    pointer_target,
    tag_key,
)
from .._errors import Error, HeaderNameError
from .._parts import HeaderOptions
from .._printable import printable
from .building import Building

_HEAD = '''\
"""{name}: a plugin for hosts with the interface of {header}.

    {command}
"""

import epy

host = epy.header({quoted})
'''
# What a script may want to call: no name for a function or a parameter of it.
_TAKEN = {"epy", "host", *keyword.kwlist, *(name for name in dir(builtins) if name.islower())}
# `int (*name)(int)`, or `int *name[3]`.
_PARAMETER = re.compile(r"[^(]*\(\*(\w+)\)\(.*\)|[^(]*[\s*](\w+)(?:\[.*\])?")
_TEST = """\
from ctypes import CDLL
from pathlib import Path

import pytest

from epy.testing import build


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugin")
    return CDLL(build(Path(__file__).with_name("{name}.py"), folder{options}))


@pytest.mark.parametrize("name", {names})
def test_hosts_find_it(plugin, name):
    assert getattr(plugin, name)
"""


class Skeleton(NamedTuple):
    """A script, and its test."""

    script: str
    test: str
    left_out: list[str]  # "NAME: why Python cannot express it"


def skeleton(
    plugin: str,
    header: str,
    patterns: Iterable[str],
    flags: Iterable[tuple[str, str]] = (),
    packages: Iterable[str] = (),
) -> Skeleton:
    """The script of a plugin that exports each function of the header whose name fits a pattern.

    A struct of functions that one of them returns is filled with a function for each member. Raises
    HeaderNameError if none fits.
    """
    options = HeaderOptions(absolute(flags), tuple(packages))
    script = Building("new", str(Path.cwd()), options)
    definitions = read(header, (), {}, script, describe=True)
    wanted = list(patterns)
    names = [
        name
        for name, found in definitions.names.items()
        if is_a(found, "f") and any(fnmatchcase(name, pattern) for pattern in wanted)
    ]
    if not names:
        raise HeaderNameError(
            f"{header}: declares no function like {' or '.join(wanted)}; "
            f"`epy inspect --header {header}` lists what it has"
        )
    given = [*flags, *(("--pkg", it) for it in packages)]
    words = [word for pair in given for word in pair if word]
    text = _HEAD.format(
        name=plugin,
        header=_documented(header),
        command=_documented(shlex.join(["epy", "build", f"{plugin}.py", *words])),
        quoted=json.dumps(header),
    )
    writer = _Writer(header, definitions)
    written = []
    for name in names:
        try:
            text += "".join(f"\n\n{part}\n" for part in [*writer.parts(name)])
            written.append(name)
        except Error as error:
            writer.leave_out(name, error)
    text += "".join(f"\n\n# left out: {it}\n" for it in writer.left_out)
    arguments = "".join(f", {word!r}" for word in words)
    test = _TEST.format(name=plugin, options=arguments, names=_quoted(written))
    return Skeleton(text, test, writer.left_out)


def _documented(text: str) -> str:
    """As a docstring can have it."""
    return printable(text).replace("\\", "\\\\").replace('"""', '\\"""')


def _quoted(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


class _Writer:
    """Writes the parts of a script."""

    def __init__(self, header: str, definitions: Definitions) -> None:
        name = os.path.basename(header)
        host: Any = _header.Header(name, definitions, {}, {}, _core.Kept(), None)
        self._make = host._classes.make
        self._definitions = definitions
        self._filled: dict[str, str] = {}  # structs -> the variable that holds one
        self._functions: set[str] = set()
        self._header = name
        self.left_out: list[str] = []

    def leave_out(self, name: str, error: Error) -> str:
        """Note why Python cannot express it."""
        reason = str(error).removeprefix(f"{self._header}: ").removeprefix(f"{name}: ")
        self.left_out.append(f"{name}: {reason}")
        return reason

    def parts(self, name: str) -> Iterator[str]:
        """The function, behind what it returns."""
        kind = declared_type(self._definitions.names[name])
        result, parameters = function_result(kind), function_parameters(kind)
        made = self._make(("*", kind))
        text = self._definitions.described.get(name, (True, ""))[1]
        text = text or declare_function(made, name)
        answer = "raise NotImplementedError"
        struct = self._struct_of_functions(result)
        if struct is not None:
            if struct not in self._filled:
                yield from self._fill(pointer_target(result), struct)
            answer = f"return {self._filled[struct]}"
        names = _written(text, len(parameters)) or self._names(parameters)
        free = _free(name)
        called = "" if free == name else f'(name="{name}")'
        head = f"@host.export{called}\ndef {free}({', '.join(names)}):"
        yield f'{head}\n    """{text}"""\n    {answer}'

    def _struct_of_functions(self, result: Any) -> str | None:
        """The struct that a pointer leads to, if functions are in it."""
        target: Any = self._resolved(pointer_target(result)) if is_a(result, "*") else None
        if not is_a(target, "struct"):
            return None
        name = " ".join(target)
        found: Any = self._definitions.names.get(name)
        fields = layout_fields(found) if is_a(found, "struct") else ()
        return name if any(self._function(kind) for _, kind in fields) else None

    def _fill(self, kind: Any, struct: str) -> Iterator[str]:
        """Functions for the members of a struct, and the struct."""
        lines = []
        for member, field in layout_fields(self._definitions.names[struct]):
            function = self._function(field)
            if not member:
                continue
            if function is None:
                lines.append(f"    # {member}=...,  # {declare(self._make(field), member)}")
                continue
            try:
                made = self._make(("*", function))
            except Error as error:
                reason = self.leave_out(f"{struct}.{member}", error)
                lines.append(f"    # {member}=...,  # {reason}")
                continue
            name = _free(member, self._functions)
            self._functions.add(name)
            lines.append(f"    {member}={name},")
            parameters = function_parameters(function)
            text = self._definitions.described.get(f"{struct}.{member}", (True, ""))[1]
            text = text or declare_function(made, member)
            names = ", ".join(_written(text, len(parameters)) or self._names(parameters))
            yield f'def {name}({names}):\n    """{text}"""\n    raise NotImplementedError'
        is_alias = is_a(kind, "t")
        shown = f"host.{alias_name(kind)}" if is_alias else f"host.struct.{tag_key(kind)}"
        variable = _free(_word(struct) or "interface", self._functions)
        self._filled[struct] = variable
        yield "\n".join([f"{variable} = {shown}(", *lines, ")"])

    def _function(self, kind: Any) -> Any:
        """The function's type, if a member is a pointer to one."""
        found = self._resolved(kind)
        target = self._resolved(pointer_target(found)) if is_a(found, "*") else None
        return target if is_a(target, "(") else None

    def _resolved(self, kind: Any) -> Any:
        while is_a(kind, "t"):
            kind = declared_type(self._definitions.names[alias_name(kind)])
        return kind

    def _names(self, parameters: tuple[Any, ...]) -> list[str]:
        """Names for parameters that have none: of what their types are called."""
        names: list[str] = []
        for kind in parameters:
            while is_a(kind, "*"):
                kind = pointer_target(kind)
            called = alias_name(kind) if is_a(kind, "t") else ""
            word = _word(tag_key(kind) if is_a(kind, "struct") else called)
            name, number = word or "value", 2
            while name in names:
                name, number = f"{word or 'value'}{number}", number + 1
            names.append(name)
        return names


def _word(name: str) -> str:
    """ "LADSPA_Handle" -> "handle"."""
    parts = [it for it in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name) if len(it) > 1]
    word = parts[-1].lower() if parts else ""
    return "" if word in _TAKEN else word


def _free(name: str, used: Iterable[str] = ()) -> str:
    """The name, or one like it that means nothing else."""
    while name in _TAKEN or name in used:
        name += "_"
    return name


def _written(prototype: str, count: int) -> list[str]:
    """The parameters' names in a prototype; none if one of them has no name."""
    parts, depth = [""], 0
    for character in prototype.partition("(")[2].rpartition(")")[0]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    found = [_PARAMETER.fullmatch(part.strip()) for part in parts if part.strip() != "..."]
    names = [match[1] or match[2] for match in found if match]
    names = [name for name in names if name not in ("int", "char", "long")]
    if len(names) != count or len(set(names)) != count:
        return []
    return [*map(_free, names)]
