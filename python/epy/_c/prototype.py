"""C prototypes as text, read by Clang.

One outside a header becomes a Python expression, "CFUNCTYPE(c_int, POINTER(node))", which is stored
in the plugin: a running plugin evaluates it, and never reads C.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ctypes import c_char
from difflib import get_close_matches
from functools import partial
from typing import Any

from .._errors import HeaderError, SignatureError
from .._types import CData
from . import ahead, process
from .ahead import one_line
from .standard_types import STANDARD
from .terms import (
    Type,
    Unsupported,
    alias_name,
    array_element,
    array_length,
    declared_type,
    function_is_variadic,
    function_parameters,
    function_result,
    is_a,
    pointer_target,
)

# What no ctypes type holds, by pattern of its name, and why.
_IMPOSSIBLE = {
    r"(unsigned )?__u?int128(_t)?": "its integers have at most 64 bits",
    r"_Float(16|128)|__float128|__bf16": "it has float, double and long double alone",
    r"_Decimal(32|64|128)": "it has no decimal floating point",
    r"long double _Complex": "it has no long double _Complex",
    r"__m(64|128|256|512)[id]?|(float|u?int)\d+x\d+_t|vector": "it has no vectors",
}
_POINTERS: dict[Type, str] = {
    None: "c_void_p",
    "c_char": "c_char_p",
    "c_wchar": "c_wchar_p",
    "PyObject": "py_object",
}
_WORD = re.compile(r"[^\W\d]\w*")
Remedy = Callable[[str], str]  # by the name of a type
_UNKNOWN = re.compile(r"the unknown type '([^']*)'")


def parse(text: str, namespace: dict[str, Any], keep: bool = True) -> tuple[str, str]:
    """The name in a C prototype ("" if it has none), and its function type as an expression.

    Types that are not C's own are looked up in `namespace`. Raises SignatureError.
    """

    def line(word: str) -> str:
        if _is_type(namespace.get(word)):
            return f"typedef struct {{ int _; }} {word};"
        # An array, which C passes by its address.
        return "#define va_list void *" if word == "va_list" else ""

    name, found, parts = _read(text, line, keep, partial(_remedy, namespace))
    try:
        made = _expression(found, namespace, ("the result", parts))
        is_variadic = function_is_variadic(found) and function_parameters(found)
        return name, f"variadic({made})" if is_variadic else made
    except Unsupported as reason:
        raise problem(text, str(reason)) from None


def of_header(text: str, find: Callable[[str], Any], keep: bool) -> tuple[str, Type]:
    """The name and the function type in a C prototype with a header's types, which `find` knows."""

    def resolved(found: Type) -> Any:
        while is_a(found, "t"):
            found = declared_type(find(alias_name(found)))
        return found

    def line(word: str) -> str:
        kind, *meaning = find(word) or ("",)
        if kind == "t":
            actual = resolved(meaning[0])
            shape = "void {}(void)" if is_a(actual, "(") else "struct {{ int _; }} {}"
            shape = "char {}[1]" if is_a(actual, "[") else shape
            return f"typedef {shape.format(word)};"
        is_number = kind == "c" and isinstance(meaning[0], int)
        return f"enum {{ {word} = {meaning[0]} }};" if is_number else ""

    name, found, _ = _read(text, line, keep, lambda _: "declare it in the header's text")
    return name, _decayed(found, resolved)


def _decayed(found: Type, resolved: Callable[[Type], Any]) -> Type:
    """With parameters that are arrays or functions by a typedef as pointers."""
    if is_a(found, "*"):
        return ("*", _decayed(pointer_target(found), resolved))
    if is_a(found, "["):
        return ("[", _decayed(array_element(found), resolved), array_length(found))
    if not is_a(found, "("):
        return found
    types = []
    for one in function_parameters(found):
        actual = resolved(one)
        if is_a(actual, "["):
            one = ("*", array_element(actual))
        elif is_a(actual, "("):
            one = ("*", one)
        types.append(_decayed(one, resolved))
    result = _decayed(function_result(found), resolved)
    return ("(", result, tuple(types), function_is_variadic(found))


def problem(text: str, message: str) -> SignatureError:
    return SignatureError(f"the C prototype '{one_line(text)}' {message}")


def _read(
    text: str, line: Callable[[str], str], keep: bool, remedy: Remedy
) -> tuple[str, Type, list[Any]]:
    """The name, the type and the parameters' names. `line` of C says what a word stands for."""
    lines = _lines(text, line)
    known = ahead.find(one_line(text), lines, lambda it: _lines(it, line), keep)
    try:
        answer = known or process.ask(ahead.request(one_line(text), lines), keep)
    except HeaderError as error:
        reason = str(error)
        for word in _WORD.findall(text):
            if impossible := _impossible(word, "has the type"):
                raise problem(text, impossible) from None
        if unknown := _UNKNOWN.search(reason):
            name = unknown[1].rpartition(" ")[2]
            declared = [line.rpartition(" ")[2].rstrip(";") for line in lines]
            near = get_close_matches(name, [*declared, *STANDARD, *_OWN_WORDS], 1)
            reason += f": {remedy(unknown[1])}, or write void * for a pointer to it"
            reason += f" (did you mean {near[0]}?)" if near else ""
        raise problem(text, reason) from None
    return answer["function"], answer["type"], answer["parts"]


def _lines(text: str, line: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(filter(None, map(line, dict.fromkeys(_WORD.findall(text)))))


# C's own, which are no names that anybody declares.
_OWN_WORDS = ("char", "double", "float", "int", "long", "short", "signed", "unsigned", "void")


def _remedy(namespace: dict[str, Any], name: str) -> str:
    """What to do for a type that a script has not: a header of the script may have it."""
    from .._header import Header

    for variable, found in namespace.items():
        if isinstance(found, Header) and found._declarations.find(name) is not None:
            how = f'`@{variable}.export("...")`, `{variable}.callback("...")`'
            return f"{found._name} has it: give the prototype to that, {how}"
    return f"define a ctypes type {name.rpartition(' ')[2]} in the script"


def _is_type(found: Any) -> bool:
    """Whether a script's name is a C type."""
    return hasattr(found, "_handle_type_") or (isinstance(found, type) and issubclass(found, CData))


def _expression(found: Type, namespace: dict[str, Any], part: tuple[str, list[Any]]) -> str:
    """A type as Python's expression of it. `part` of the prototype is what, with its parameters."""
    if not isinstance(found, tuple):
        return str(found)
    kind, inner = found[:2]
    if kind == "?":
        name = inner.partition(":")[0].removesuffix(" is not supported")
        raise Unsupported(
            _impossible(name, f"gives {part[0]} the type") or f"gives {part[0]} {inner}"
        )
    if kind == "enum":
        return "c_int"
    if kind in ("t", "struct", "union"):
        return _named(kind, inner, namespace)
    if kind == "[":
        return f"{_expression(inner, namespace, part)} * {array_length(found)}"
    if kind == "(":
        types = [_expression(inner, namespace, ("the result", []))]
        for number, one in enumerate(function_parameters(found), 1):
            name, parts = part[1][number - 1] if number <= len(part[1]) else ("", [])
            label = f"parameter '{name}'" if name else f"parameter {number}"
            types.append(_expression(one, namespace, (label, parts)))
        return f"CFUNCTYPE({', '.join(types)})"
    if is_a(inner, "("):
        return _expression(inner, namespace, part)
    if is_a(inner, "t") and namespace.get(alias_name(inner)) is c_char:  # a typedef of char
        inner = "c_char"
    return _POINTERS.get(inner) or f"POINTER({_expression(inner, namespace, part)})"


def _named(kind: str, name: str, namespace: dict[str, Any]) -> str:
    if name[0] == "{":
        raise Unsupported(f"has a {kind} without a name: define a ctypes type and name it")
    found = namespace.get(name)
    if not _is_type(found):
        raise Unsupported(
            f"has the unknown type '{kind} {name}': {_remedy(namespace, f'{kind} {name}')}, or "
            "write void * for a pointer to it"
        )
    return f"{name}._handle_type_" if hasattr(found, "_handle_type_") else name


def _impossible(name: str, subject: str) -> str:
    """What to say of a type that ctypes has not; "" for another."""
    for pattern, why in _IMPOSSIBLE.items():
        if re.fullmatch(pattern, name):
            return (
                f"{subject} '{name}', which ctypes cannot hold ({why}): take it by pointer, as "
                "void *"
            )
    return ""
