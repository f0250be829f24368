"""The names of headers that a script uses, also in functions that no build runs: is each there?

A name is looked at where it is plain what it belongs to: `host.NAME`, with `host` a header that the
module has, or that a function takes from it. What a script asks about before (hasattr, getattr,
`in`), and where it expects an AttributeError, is its own affair.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from .._errors import HeaderNameError
from .._header import Header
from .._headers.tags import Enums, Tags
from .._modules import Sources
from .._script import Script

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)
_EXPECTED = {"AttributeError", "HeaderNameError", "Error", "Exception", "BaseException"}
_ALIASES = 8  # of one another


def check_used_names(script: Script, sources: Sources) -> None:
    """HeaderNameError, with file and line, for the first name that a header lacks."""
    for name, (filename, source) in sources.members.items():
        module = sys.modules.get(f"{script.module}.{name}" if name else script.module)
        if module is None:  # it was not imported
            continue
        tree = ast.parse(source)
        asked = set(_asked_for(tree))
        found = [
            (node.lineno, problem)
            for node, owner in _uses(tree, Scope(tree, None, module, script.module))
            if node.attr not in asked and (problem := _problem(owner, node.attr))
        ]
        if found:
            line, problem = min(found)
            raise HeaderNameError(f"{filename}:{line}: {problem}")


def _problem(owner: Any, name: str) -> str:
    """Why an attribute of a header, or of its tags, raises; "" if it does not."""
    if hasattr(type(owner), name) or name in vars(owner):
        return ""
    header = owner if isinstance(owner, Header) else owner._header
    tags: tuple[str, ...] = ("struct", "union", "enum")
    kind = "name"
    if isinstance(owner, Enums):
        tags, kind = ("enum",), "enum"
    elif isinstance(owner, Tags):
        kind = "struct, union or enum"
    find = header._declarations.find
    found = None if isinstance(owner, Tags) else find(name)
    if found is not None:
        word, meant, *_ = found
        return f"{header._name}: {name} {meant}" if word == "?" else ""
    if any(find(f"{tag} {name}") for tag in tags):
        return ""
    return f"{header._unknown(name, kind)} (if it may be missing, ask before: hasattr)"


def _asked_for(tree: ast.AST) -> Iterator[str]:
    """The names that a module takes for uncertain."""
    for node in ast.walk(tree):
        words: list[ast.expr] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            words = node.args[1:2] if node.func.id in ("hasattr", "getattr") else []
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            words = [node.left]
        yield from (str(it.value) for it in words if isinstance(it, ast.Constant))


def _uses(tree: ast.Module, outer: Scope) -> Iterator[tuple[ast.Attribute, Any]]:
    """Every attribute of a header, with the header."""
    rest: list[tuple[ast.AST, Scope]] = [(tree, outer)]
    while rest:
        node, scope = rest.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = scope.value(node.value)
            if isinstance(owner, (Header, Tags, Enums)):
                yield node, owner
        skipped = getattr(node, "body", []) if _expects_failure(node) else []
        inner = scope.inner(node) if isinstance(node, _SCOPES) else scope
        own = [] if inner is scope else _outside(node)
        for child in ast.iter_child_nodes(node):
            if child not in skipped:
                rest.append((child, scope if child in own else inner))


def _outside(node: ast.AST) -> list[ast.AST]:
    """The parts of a function or class that belong to where it stands."""
    found: list[ast.AST] = list(getattr(node, "decorator_list", ()))
    if isinstance(node, _FUNCTIONS):
        found.append(node.args)
        found.append(getattr(node, "returns", None) or node.args)
    elif isinstance(node, ast.ClassDef):
        found += [*node.bases, *node.keywords]
    return found


def _expects_failure(node: ast.AST) -> bool:
    """Whether the body of a statement may name what is not there, or does not run."""
    if isinstance(node, ast.Try):
        caught = [it.type for it in node.handlers]
        return None in caught or any(_names(it) & _EXPECTED for it in caught if it)
    if isinstance(node, ast.With):
        calls = [it.context_expr for it in node.items]
        return any("suppress" in _names(it) and _names(it) & _EXPECTED for it in calls)
    return isinstance(node, ast.If) and "TYPE_CHECKING" in _names(node.test)


def _names(node: ast.AST) -> set[str]:
    return {getattr(it, "attr", getattr(it, "id", "")) for it in ast.walk(node)}


class Scope:
    """A module, function, class or comprehension, and the names that it binds.

    Each has the values that it gets there; None is one that is not plain.
    """

    def __init__(self, node: ast.AST, outer: Scope | None, module: ModuleType, root: str) -> None:
        self.outer = outer
        self.module = module
        self.root = root  # of the script's modules
        self.is_class = isinstance(node, ast.ClassDef)
        self.bound: dict[str, list[Any]] = {}
        for name, value in _bindings(node):
            self.bound.setdefault(name, []).append(value)
        if outer is None:  # what functions bind elsewhere is not plain anywhere
            for child in ast.walk(node):
                if isinstance(child, (ast.Global, ast.Nonlocal)):
                    self.bound |= {name: [] for name in child.names}

    def inner(self, node: ast.AST) -> Scope:
        return Scope(node, self, self.module, self.root)

    def value(self, node: Any, aliases: int = 0) -> Any:
        """What an expression stands for, if that is plain: a header, a module; else None."""
        if isinstance(node, _Import):
            return node.value(self.module.__package__ or "", self.root)
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value, aliases)
            if isinstance(owner, ModuleType):
                return vars(owner).get(node.attr)
            is_tags = isinstance(owner, Header) and node.attr in ("struct", "enum")
            return getattr(owner, node.attr) if is_tags else None
        if not isinstance(node, ast.Name) or aliases > _ALIASES:
            return None
        scope = self
        while scope.outer and (node.id not in scope.bound or (scope.is_class and scope != self)):
            scope = scope.outer
        values = scope.bound.get(node.id)
        if scope.outer is None:
            is_plain = values is None or len(values) == 1
            return vars(self.module).get(node.id) if is_plain else None
        return scope.value(values[0], aliases + 1) if values and len(values) == 1 else None


class _Import(NamedTuple):
    """What a function imports from another module of the script."""

    module: str
    level: int
    name: str | None

    def value(self, package: str, root: str) -> Any:
        name = f"{root}.{self.module}"
        if self.level:
            base = package.rsplit(".", self.level - 1)[0] if self.level > 1 else package
            name = f"{base}.{self.module}".rstrip(".")
        module = sys.modules.get(name)
        if module is None or self.name is None:
            return module
        return vars(module).get(self.name, sys.modules.get(f"{name}.{self.name}"))


def _bindings(scope: ast.AST) -> Iterator[tuple[str, Any]]:
    """The names that a scope binds itself, each time with the value."""
    plain: set[ast.AST] = set()  # targets of assignments
    rest = [it for it in ast.iter_child_nodes(scope) if it not in _outside(scope)]
    if isinstance(scope, _FUNCTIONS):
        rest += [it for it in ast.walk(scope.args) if isinstance(it, ast.arg)]
    while rest:
        node = rest.pop()
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                plain.add(target)
                yield target.id, node.value
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            if node not in plain:
                yield node.id, None
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.asname or alias.name.partition(".")[0]
                yield first, _Import(alias.name if alias.asname else first, 0, None)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, _Import(node.module or "", node.level, alias.name)
        elif name := getattr(node, "arg" if isinstance(node, ast.arg) else "name", None):
            yield str(name), None  # a parameter, function, class, exception or pattern
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest, None
        if not isinstance(node, (*_SCOPES, ast.Import, ast.ImportFrom)):
            rest += ast.iter_child_nodes(node)
