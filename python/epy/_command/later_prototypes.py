"""C prototypes in calls that have not run when a script is built: in functions, under conditions.

A running plugin has no parser of C. What such a call names as text, or by a constant of its module,
is read at build and stored as if the call had run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from .._errors import Error
from .._export import callback, export
from .._exports.addresses import next_function
from .._header import Header
from .._modules import Sources
from .._script import Script
from .._signature import read_prototype

# Which argument is the prototype, by the name of what is called.
_PLACES = {"callback": 0, "export": 0, "function": 0, "next_function": 1}
_EPY = sys.modules[(__package__ or "").partition(".")[0]]


def read_later_prototypes(script: Script, sources: Sources) -> None:
    """Let the script know the prototypes that it will need; a wrong one is an error when used."""
    for name, (_, source) in sources.members.items():
        module = sys.modules.get(f"{script.module}.{name}" if name else script.module)
        namespace = dict(vars(module)) if module else {}
        for owner, text in _prototypes(ast.parse(source), namespace):
            if isinstance(owner, Header):
                _of_header(owner._declarations, text, is_sure=True)
            elif owner is _EPY:
                _of_module(script, text, namespace, is_sure=True)
            elif owner is None:  # a parameter, an attribute of an object
                for declarations in script.declarations.values():
                    _of_header(declarations, text, is_sure=False)
                _of_module(script, text, namespace, is_sure=False)


def _prototypes(tree: ast.Module, namespace: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """The texts, each with what it is given to: a header, epy, something else or None."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, owner = "", None
        if isinstance(node.func, ast.Attribute):
            name, owner = node.func.attr, _value(node.func.value, namespace)
        elif isinstance(node.func, ast.Name):
            called = namespace.get(node.func.id)
            for function in (callback, export, next_function):
                if called is function:
                    name, owner = function.__name__, _EPY
        place = _PLACES.get(name, len(node.args))
        text = _value(node.args[place], namespace) if place < len(node.args) else None
        if isinstance(text, str) and "(" in text:
            yield owner, text


def _value(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """Of a constant, a name of the module, a name of another module; None for all else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return namespace.get(node.id)
    if isinstance(node, ast.Attribute):
        module = _value(node.value, namespace)
        return vars(module).get(node.attr) if isinstance(module, ModuleType) else None
    return None


def _of_header(declarations: Any, text: str, is_sure: bool) -> None:
    text = " ".join(text.split()).rstrip("; ")  # as Header has it
    try:
        declarations.prototype(text)
    except Error as reason:
        if is_sure:
            declarations.prototypes[text] = "?", str(reason)


def _of_module(script: Script, text: str, namespace: dict[str, Any], is_sure: bool) -> None:
    try:
        read_prototype(text, namespace, script)
    except Error as reason:
        if is_sure:
            script.prototypes[text] = "?", str(reason)
