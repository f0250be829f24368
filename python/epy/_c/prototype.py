"""C prototypes as text -> ctypes.

A prototype becomes a Python expression, "CFUNCTYPE(c_int, POINTER(node))", which is stored in the
plugin: a running plugin evaluates it and never loads this module or pycparser.
"""

from __future__ import annotations

import re
from ctypes import c_char
from typing import Any

from pycparser import c_ast, c_parser

from .._errors import SignatureError
from .._types import CData
from .expressions import Unsupported
from .standard_types import STANDARD
from .types import BUILTIN, Type, Types, is_a

# What no ctypes type holds, by pattern of its name, and why.
_IMPOSSIBLE = {
    r"__u?int128(_t)?( (un)?signed)?": "its integers have at most 64 bits",
    r"_Float(16|128)|__float128|__bf16": "it has float, double and long double alone",
    r"_Decimal(32|64|128)": "it has no decimal floating point",
    r"_Complex double long": "it has no long double _Complex",
    r"__m(64|128|256|512)[id]?|(float|u?int)\d+x\d+_t|vector": "it has no vectors",
}

_QUALIFIERS = {"const", "volatile", "restrict", "extern", "static", "inline", "register"}
_TAGS = {"struct", "union", "enum"}
_KEYWORDS = (
    {word for key in BUILTIN for word in key.split()}
    | _QUALIFIERS
    | _TAGS
    | {"_Complex", "__int128"}
)
_POINTERS: dict[Type, str] = {
    None: "c_void_p",
    "c_char": "c_char_p",
    "c_wchar": "c_wchar_p",
    "PyObject": "py_object",
}
_COMPLEX = re.compile(r"\b(float|double)\s+complex\b")  # <complex.h> has a macro
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_TOKEN = re.compile(r"[^\W\d]\w*|\.\.\.|\d\w*|\S")


def parse(text: str, namespace: dict[str, Any]) -> tuple[str, str]:
    """The name in a C prototype ("" if it has none), and its function type as an expression.

    Types that are not C's own are looked up in `namespace`. Raises SignatureError.
    """
    name, found = read(text, _Namespace(namespace))
    if found[3] and found[2]:
        raise problem(text, "is variadic: Python code cannot take `...`; list the parameters")
    return name, _expression(found, namespace)


def read(text: str, types: Types) -> tuple[str, Type]:
    """The name and the function type in a C prototype. Raises SignatureError."""
    try:
        node = _declaration(text)
        name = node.name or ""
        node = node.type
        if isinstance(node, c_ast.PtrDecl):  # of a function pointer, as in a struct
            node = node.type
        if not isinstance(node, c_ast.FuncDecl):
            raise Unsupported("is no function, such as 'int add(int a, int b)'")
        return name, types.function(node)
    except Unsupported as reason:
        raise problem(text, str(reason)) from None


def problem(text: str, message: str) -> SignatureError:
    return SignatureError(f"the C prototype '{_one_line(text)}' {message}")


class _Namespace(Types):
    """Types of prototypes outside a header: the names of a script's module."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.namespace = namespace

    def words(self, names: list[str]) -> Type:
        shown, ordered = " ".join(names), " ".join(sorted(names))
        for pattern, reason in _IMPOSSIBLE.items():
            if re.fullmatch(pattern, ordered) and shown not in self.namespace:
                raise Unsupported(
                    f"gives {self.part} the type '{shown}', which ctypes cannot hold ({reason}): "
                    "take it by pointer, as void *"
                )
        return super().words(names)

    def typedef(self, name: str) -> Type:
        if name in STANDARD and not self.has(name):
            return "c_void_p" if name == "va_list" else self.standard(name)  # an array in C
        return self.named(name, name)

    def has(self, name: str) -> bool:
        """Whether the script has a C type of that name."""
        found = self.namespace.get(name)
        return hasattr(found, "_handle_type_") or (
            isinstance(found, type) and issubclass(found, CData)
        )

    def tag(self, node: Any) -> Type:
        if isinstance(node, c_ast.Enum):
            return "c_int"
        kind = "struct" if isinstance(node, c_ast.Struct) else "union"
        if node.name is None:
            raise Unsupported(f"has a {kind} without a name: define a ctypes type and name it")
        return self.named(node.name, f"{kind} {node.name}")

    def named(self, name: str, shown: str) -> Type:
        found = self.namespace.get(name)
        if hasattr(found, "_handle_type_"):
            return f"{name}._handle_type_"
        if self.has(name):
            return ("t", name)
        raise Unsupported(
            f"has the unknown type '{shown}': define a ctypes type {name} in the script, "
            "or write void * for a pointer to it"
        )

    def count(self, node: Any) -> int:
        size = getattr(node, "value", "")
        if not size.isdigit():
            raise Unsupported("has an array whose size is no decimal number")
        return int(size)


def _expression(found: Type, namespace: dict[str, Any]) -> str:
    """A type as Python's expression of it."""
    if not isinstance(found, tuple):
        return str(found)
    kind, inner = found[:2]
    if kind == "t":
        return str(inner)
    if kind == "[":
        return f"{_expression(inner, namespace)} * {found[2]}"
    if kind == "(":
        types = ", ".join(_expression(it, namespace) for it in (inner, *found[2]))
        return f"CFUNCTYPE({types})"
    if is_a(inner, "("):
        return _expression(inner, namespace)
    if is_a(inner, "t") and namespace.get(inner[1]) is c_char:  # a typedef of char
        inner = "c_char"
    return _POINTERS.get(inner) or f"POINTER({_expression(inner, namespace)})"


def _declaration(text: str) -> Any:
    """The one declaration of the text: "int f(int)", or without a name "int (*)(int)"."""
    text = _one_line(text)
    types = "".join(f"typedef int {name};" for name in _type_names(text))
    try:
        tree = c_parser.CParser().parse(f"{types}\n{text};")
    except c_parser.ParseError as error:
        try:
            tree = c_parser.CParser().parse(f"{types}\nint _ = sizeof({text});")
        except c_parser.ParseError:
            raise _syntax_error(text, str(error)) from None
        unnamed = tree.ext[-1].init.expr
        if not isinstance(unnamed, c_ast.Typename):
            raise _syntax_error(text, str(error)) from None
        return unnamed
    found = [node for node in tree.ext if not isinstance(node, c_ast.Typedef)]
    if len(found) != 1 or not isinstance(found[0], c_ast.Decl):
        raise Unsupported("is no single C prototype, such as 'int add(int a, int b)'")
    return found[0]


def _one_line(text: str) -> str:
    plain = _COMPLEX.sub(r"\1 _Complex", _COMMENT.sub(" ", text))
    return " ".join(plain.split()).rstrip("; ")


def _type_names(text: str) -> list[str]:
    """The identifiers that stand where only a type can: the parser must know them before."""
    tokens = ["", *_TOKEN.findall(text), "", ""]
    names = []
    for index in range(1, len(tokens) - 2):
        token, following, second = tokens[index : index + 3]
        before = index - 1
        while tokens[before] in _QUALIFIERS:
            before -= 1
        starts = tokens[before] in ("", "(", ",")
        if not token.isidentifier() or token in _KEYWORDS or tokens[index - 1] in _TAGS:
            continue
        if (
            following.isidentifier()
            or following == "*"
            or (following == "(" and (second == "*" or tokens[before] == ""))
            or (starts and following in (",", "["))
            or (starts and following == ")" and second != "(")
        ):
            names.append(token)
    return list(dict.fromkeys(names))


def _syntax_error(text: str, message: str) -> Unsupported:
    place = re.match(r"[^:]*:\d+:(\d+): (.*)", message)
    if place:
        detail = f"at column {place[1]}: {place[2].replace('before: ', 'before ')}"
    else:
        detail = message.lstrip(": ").lower()
    remedy = "a name goes into name=" if text.isidentifier() else "write it as in C"
    return Unsupported(f"does not parse ({detail}): {remedy}")
