"""pycparser's syntax trees of types -> plain data, for headers and for single prototypes.

A type is None (void), the name of a simple ctypes type, or a tuple:

    ("*", target)                        pointer
    ("[", element, count)                array; count 0 if it has no size
    ("(", result, parameters, variadic)  function; `()` is variadic without parameters
    ("t", name)                          typedef
    ("struct", key), ("union", key), ("enum", key)
    ("align", type, bytes)               typedef with an alignment of its own
    ("?", reason, size, alignment)       what Python cannot hold; size 0 if that is unknown too
"""

from __future__ import annotations

from typing import Any

from pycparser import c_ast

from .expressions import Unsupported
from .standard_types import OWN, STANDARD

Type = Any

# The words of a built-in type, sorted, "int" left out where another word implies it.
BUILTIN: dict[str, Type] = {
    "void": None,
    "_Bool": "c_bool",
    "char": "c_char",
    "char signed": "c_byte",
    "char unsigned": "c_ubyte",
    "short": "c_short",
    "short signed": "c_short",
    "short unsigned": "c_ushort",
    "int": "c_int",
    "signed": "c_int",
    "unsigned": "c_uint",
    "long": "c_long",
    "long signed": "c_long",
    "long unsigned": "c_ulong",
    "long long": "c_longlong",
    "long long signed": "c_longlong",
    "long long unsigned": "c_ulonglong",
    "float": "c_float",
    "double": "c_double",
    "double long": "c_longdouble",
    "_Complex float": "c_float_complex",
    "_Complex double": "c_double_complex",
}
OPAQUE = ("?", "has no definition in this header")
DECLARATORS = (c_ast.PtrDecl, c_ast.ArrayDecl, c_ast.FuncDecl)


class Types:
    """AST -> types. A subclass knows typedefs, tags and constants; raises Unsupported."""

    part = "the function"
    """What of a prototype is being read, for messages."""

    def type(self, node: Any) -> Type:
        if isinstance(node, c_ast.PtrDecl):
            return ("*", self.type(node.type))
        if isinstance(node, c_ast.ArrayDecl):
            return ("[", self.type(node.type), self.count(node.dim))
        if isinstance(node, c_ast.FuncDecl):
            return self.function(node)
        if isinstance(node, (c_ast.TypeDecl, c_ast.Typename)):
            return self.type(node.type)
        if isinstance(node, (c_ast.Struct, c_ast.Union, c_ast.Enum)):
            return self.tag(node)
        if isinstance(node, c_ast.IdentifierType):
            return self.words(list(node.names))
        raise Unsupported(f"has a type by {type(node).__name__.lower()}, which is not supported")

    def words(self, names: list[str]) -> Type:
        words = " ".join(sorted([word for word in names if word != "int"] or ["int"]))
        if words in BUILTIN:
            return BUILTIN[words]
        if len(names) == 1:
            return self.typedef(names[0])
        raise Unsupported(f"has the type '{' '.join(names)}', which is not supported")

    def function(self, node: Any) -> Type:
        parameters = list(node.args.params) if node.args else []
        variadic = any(isinstance(item, c_ast.EllipsisParam) for item in parameters)
        outer = self.part
        types = []
        for number, item in enumerate(parameters[: len(parameters) - variadic], 1):
            name = getattr(item, "name", None)
            self.part = f"parameter '{name}'" if name else f"parameter {number}"
            types.append(self.parameter(item))
        if types == [None]:
            types = []
        elif not types:
            variadic = True  # `()` says nothing of parameters
        self.part = "the result"
        result = self.type(node.type)
        self.part = outer
        return ("(", result, tuple(types), variadic)

    def parameter(self, node: Any) -> Type:
        """The type of a parameter: arrays and functions decay to pointers."""
        if isinstance(node, c_ast.ID):  # a type that the parser does not know
            return self.typedef(node.name)
        declared = getattr(node, "type", None)
        if declared is None:
            raise Unsupported(f"gives no type for '{getattr(node, 'name', '?')}'")
        if isinstance(declared, c_ast.ArrayDecl):
            return ("*", self.type(declared.type))
        return self.decayed(self.type(declared))

    def decayed(self, found: Type) -> Type:
        return ("*", found) if is_a(found, "(") else found

    def count(self, node: Any) -> int:
        """The length of an array, from its expression (None if it has none)."""
        raise NotImplementedError

    def standard(self, name: str) -> Type:
        """What a type of `_c.standard_types` is."""
        return OWN[name] if name in OWN else self.words(STANDARD[name].split())

    def typedef(self, name: str) -> Type:
        raise NotImplementedError

    def tag(self, node: Any) -> Type:
        """Of a struct, union or enum."""
        raise NotImplementedError


def is_a(found: Type, kind: str) -> bool:
    return isinstance(found, tuple) and found[0] == kind
