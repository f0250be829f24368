"""C prototypes as text -> ctypes.

A prototype becomes a Python expression, "CFUNCTYPE(c_int, POINTER(node))", which is stored in the
plugin: a running plugin evaluates it and never loads this module or pycparser.
"""

from __future__ import annotations

import re
from ctypes import c_char
from typing import Any

from pycparser import c_ast, c_parser

from ._errors import SignatureError
from ._types import CData

_STANDARD = {
    "PyObject": "PyObject",  # only behind a pointer
    "bool": "c_bool",
    "gid_t": "c_uint",
    "intmax_t": "c_long",
    "intptr_t": "c_ssize_t",
    "mode_t": "c_uint",
    "off_t": "c_long",
    "pid_t": "c_int",
    "ptrdiff_t": "c_ssize_t",
    "size_t": "c_size_t",
    "socklen_t": "c_uint",
    "ssize_t": "c_ssize_t",
    "time_t": "c_long",
    "uid_t": "c_uint",
    "uintmax_t": "c_ulong",
    "uintptr_t": "c_size_t",
    "wchar_t": "c_wchar",
    **{
        f"{sign}int{size}_t": f"c_{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)
    },
}

# The words of a built-in type, sorted, "int" left out where another word implies it.
_BUILTIN = {
    "void": "None",
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
    {word for key in _BUILTIN for word in key.split()}
    | _QUALIFIERS
    | _TAGS
    | {"_Complex", "__int128"}
)
_POINTERS = {
    "None": "c_void_p",
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
    return _Prototype(text, namespace).result()


class _Prototype:
    def __init__(self, text: str, namespace: dict[str, Any]) -> None:
        plain = _COMPLEX.sub(r"\1 _Complex", _COMMENT.sub(" ", text))
        self.text = " ".join(plain.split()).rstrip("; ")
        self.namespace = namespace
        self.part = "the function"  # whose type is being read

    def result(self) -> tuple[str, str]:
        node = self.declaration()
        name = node.name or ""
        node = node.type
        if isinstance(node, c_ast.PtrDecl):  # of a function pointer, as in a struct
            node = node.type
        if not isinstance(node, c_ast.FuncDecl):
            raise self.error("is no function, such as 'int add(int a, int b)'")
        return name, self.function(node)

    def declaration(self) -> Any:
        """The one declaration of the text: "int f(int)", or without a name "int (*)(int)"."""
        types = "".join(f"typedef int {name};" for name in self.type_names())
        try:
            tree = c_parser.CParser().parse(f"{types}\n{self.text};")
        except c_parser.ParseError as error:
            try:
                tree = c_parser.CParser().parse(f"{types}\nint _ = sizeof({self.text});")
            except c_parser.ParseError:
                raise self.syntax_error(str(error)) from None
            unnamed = tree.ext[-1].init.expr
            if not isinstance(unnamed, c_ast.Typename):
                raise self.syntax_error(str(error)) from None
            return unnamed
        found = [node for node in tree.ext if not isinstance(node, c_ast.Typedef)]
        if len(found) != 1 or not isinstance(found[0], c_ast.Decl):
            raise self.error("is no single C prototype, such as 'int add(int a, int b)'")
        return found[0]

    def type_names(self) -> list[str]:
        """The identifiers that stand where only a type can: the parser must know them before."""
        tokens = ["", *_TOKEN.findall(self.text), "", ""]
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

    def function(self, node: Any) -> str:
        parameters = list(node.args.params) if node.args else []
        if any(isinstance(parameter, c_ast.EllipsisParam) for parameter in parameters):
            raise self.error("is variadic: Python code cannot take `...`; list the parameters")
        outer = self.part
        types = []
        for number, parameter in enumerate(parameters, 1):
            self.part = f"parameter '{parameter.name}'" if parameter.name else f"parameter {number}"
            types.append(self.parameter(parameter))
        if types == ["None"]:
            types = []
        self.part = "the result"
        result = self.type(node.type)
        self.part = outer
        return f"CFUNCTYPE({', '.join([result, *types])})"

    def parameter(self, node: Any) -> str:
        """The type of a parameter: arrays and functions decay to pointers."""
        declared = getattr(node, "type", None)
        if isinstance(declared, (c_ast.ArrayDecl, c_ast.FuncDecl)):
            inner = declared.type if isinstance(declared, c_ast.ArrayDecl) else declared
            return self.pointer(inner)
        if declared is None:
            raise self.error(f"gives no type for '{getattr(node, 'name', '?')}'")
        return self.type(declared)

    def refuse_impossible(self, names: list[str]) -> None:
        shown, ordered = " ".join(names), " ".join(sorted(names))
        for pattern, reason in _IMPOSSIBLE.items():
            if re.fullmatch(pattern, ordered) and shown not in self.namespace:
                raise self.error(
                    f"gives {self.part} the type '{shown}', which ctypes cannot hold ({reason}): "
                    "take it by pointer, as void *"
                )

    def type(self, node: Any) -> str:
        if isinstance(node, c_ast.PtrDecl):
            return self.pointer(node.type)
        if isinstance(node, c_ast.ArrayDecl):
            size = getattr(node.dim, "value", "")
            if not size.isdigit():
                raise self.error("has an array whose size is no decimal number")
            return f"{self.type(node.type)} * {int(size)}"
        base = node.type
        if isinstance(base, c_ast.Enum):
            return "c_int"
        if isinstance(base, (c_ast.Struct, c_ast.Union)):
            kind = "struct" if isinstance(base, c_ast.Struct) else "union"
            if base.name is None:
                raise self.error(f"has a {kind} without a name: define a ctypes type and name it")
            return self.named(base.name, f"{kind} {base.name}")
        names = list(base.names)
        self.refuse_impossible(names)
        if len(names) == 1 and names[0] not in _BUILTIN:
            return _STANDARD.get(names[0]) or self.named(names[0], names[0])
        words = [word for word in names if word != "int"] or ["int"]
        found = _BUILTIN.get(" ".join(sorted(words)))
        if found is None:
            raise self.error(f"has the type '{' '.join(names)}', which is not supported")
        return found

    def pointer(self, target: Any) -> str:
        if isinstance(target, c_ast.FuncDecl):
            return self.function(target)
        inner = self.type(target)
        if self.namespace.get(inner) is c_char:  # a typedef of char
            inner = "c_char"
        return _POINTERS.get(inner) or f"POINTER({inner})"

    def named(self, name: str, shown: str) -> str:
        found = self.namespace.get(name)
        if hasattr(found, "_handle_type_"):
            return f"{name}._handle_type_"
        if isinstance(found, type) and issubclass(found, CData):
            return name
        raise self.error(
            f"has the unknown type '{shown}': define a ctypes type {name} in the script, "
            "or write void * for a pointer to it"
        )

    def syntax_error(self, message: str) -> SignatureError:
        place = re.match(r"[^:]*:\d+:(\d+): (.*)", message)
        if place:
            detail = f"at column {place[1]}: {place[2].replace('before: ', 'before ')}"
        else:
            detail = message.lstrip(": ").lower()
        remedy = "a name goes into name=" if self.text.isidentifier() else "write it as in C"
        return self.error(f"does not parse ({detail}): {remedy}")

    def error(self, message: str) -> SignatureError:
        return SignatureError(f"the C prototype '{self.text}' {message}")
