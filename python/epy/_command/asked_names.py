"""What a script can ask its headers for: only that is stored in the plugin.

A running plugin has no reader of C. What it may ask for are the words of its source, where it is
plain that nothing else can come: each header has a name of its own, `host = epy.header(...)`, and
what is wanted of it stands behind a dot, or is a literal. A script that gets at a header, or makes
up a name, in any other way has all of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain

from .._header import Header
from .._modules import Sources

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_METHODS = {name for name in vars(Header) if not name.startswith("_")}
_NAMED_FIRST = {"callback", "export", "export_data", "function"}  # what the first argument says
_TAGS = {"enum", "struct"}
# How a script gets at names that it does not have in its source.
_OTHER_WAYS = {
    *("__import__", "attrgetter", "code", "compile", "delattr", "dir", "eval", "exc_info", "exec"),
    *("f_back", "f_globals", "f_locals", "gc", "getattr", "globals", "hasattr", "importlib"),
    *("inspect", "locals", "methodcaller", "modules", "pdb", "pickle", "runpy", "setattr", "vars"),
    *("_getframe", "tb_frame"),
}
_PLAIN_SPECIAL = {"__file__", "__init__", "__name__"}
_WORD = re.compile(r"\w+")


def asked_names(sources: Sources) -> frozenset[str] | None:
    """The words that may be names of headers; None if others may be asked for, too."""
    try:
        trees = [ast.parse(source) for _, source in sources.members.values()]
    except (SyntaxError, ValueError):  # it fails when it is imported, if it is
        return None
    return _Script(trees).words()


class _Script:
    def __init__(self, trees: list[ast.Module]) -> None:
        self.nodes = [node for tree in trees for node in ast.walk(tree)]
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        made = [one for tree in trees for one in _headers(tree)]
        self.headers = {target.id for target, _ in made}
        self.makers = [call.func for _, call in made]
        self.texts = {it for _, call in made for it in call.args[:1]}  # and what documents
        self.texts.update(
            node.value
            for node in self.nodes
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        )
        self.functions = {node.name for node in self.nodes if isinstance(node, _FUNCTIONS)}
        self.functions -= {
            node.id
            for node in self.nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }

    def words(self) -> frozenset[str] | None:
        if not all(map(self._is_plain, self.nodes)):
            return None
        nodes = (node for node in self.nodes if node not in self.texts)
        return frozenset(chain.from_iterable(map(_words, nodes)))

    def _is_plain(self, node: ast.AST) -> bool:
        """Whether no header, and no name of one, gets anywhere by this."""
        if isinstance(node, ast.alias):
            is_other = node.asname not in (None, node.name)
            ways = {*node.name.split("."), node.asname}
            return not ways & _OTHER_WAYS and not (is_other and ways & {*self.headers, "header"})
        if isinstance(node, ast.ImportFrom):
            return not {*(node.module or "").split(".")} & _OTHER_WAYS
        if isinstance(node, ast.Attribute):
            return self._is_harmless(node, node.attr) and node.attr not in self.headers
        if isinstance(node, ast.Name) and node.id in self.headers:
            return not isinstance(node.ctx, ast.Load) or self._is_use(self.parents[node])
        return not isinstance(node, ast.Name) or self._is_harmless(node, node.id)

    def _is_harmless(self, node: ast.AST, name: str) -> bool:
        if name == "header":
            return node in self.makers
        is_special = name.startswith("__") and name not in _PLAIN_SPECIAL
        return not is_special and name not in _OTHER_WAYS

    def _is_use(self, node: ast.AST) -> bool:
        """Whether what has a header is `host.NAME`."""
        if not isinstance(node, ast.Attribute) or node.attr.startswith("_"):
            return False
        outer = self.parents[node]
        if node.attr in _TAGS:
            return isinstance(outer, ast.Attribute)
        if node.attr not in _METHODS:
            return True
        if isinstance(outer, _FUNCTIONS):
            return node in outer.decorator_list
        return (
            isinstance(outer, ast.Call) and outer.func is node and self._is_call(node.attr, outer)
        )

    def _is_call(self, method: str, call: ast.Call) -> bool:
        """Whether a method of a header gets names as literals."""
        first = call.args[:1] if method in _NAMED_FIRST else []
        values = [it.value for it in call.keywords if it.arg not in ("errno", "value")]
        is_open = any(isinstance(it, ast.Starred) for it in call.args) or any(
            it.arg is None for it in call.keywords
        )
        is_all = method == "export_missing"
        return not is_open and not is_all and all(map(self._is_literal, (*first, *values)))

    def _is_literal(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Attribute):
            return isinstance(node.value, ast.Name) and node.value.id in self.headers
        if isinstance(node, ast.UnaryOp):
            return self._is_literal(node.operand)
        is_function = isinstance(node, ast.Name) and node.id in self.functions
        return is_function or isinstance(node, (ast.Constant, ast.Lambda))


def _headers(tree: ast.Module) -> Iterator[tuple[ast.Name, ast.Call]]:
    """Each `NAME = epy.header(...)`: the name and the call."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name) and isinstance(value, ast.Call):
                if "header" in (getattr(value.func, "attr", ""), getattr(value.func, "id", "")):
                    yield target, value


def _words(node: ast.AST) -> Iterator[str]:
    for value in vars(node).values():
        if isinstance(value, str):
            yield from _WORD.findall(value)
