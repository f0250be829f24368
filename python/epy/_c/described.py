"""What people are shown of a header: where each name comes from, and what C says of it."""

from __future__ import annotations

from typing import Any

from .types import KEYWORDS

# clang-c/Index.h, CXCursorKind; the depth of an #include
_STRUCT, _ENUM, _FIELD, _PARAMETER, _LAST_DECLARATION, _MACRO, _INCLUDED = 2, 5, 6, 10, 39, 501, 1
# CXPrintingPolicyProperty: without bodies, initial values and attributes; `void` for no parameters.
_TERSE = (6, 16, 17, 18)
_STORAGE = ("extern ", "static ", "inline ")


def describe(clang: Any, unit: Any, cursors: list[Any], main: str) -> dict[str, tuple[bool, str]]:
    """By name: whether the header itself declares it, not one that it includes; its declaration.

    Members of structs that are pointers to functions are "struct NAME.MEMBER". `main` is the file
    of a text; of a header "", which is the last that the text includes.
    """
    own = main or [file for file, depth in clang.inclusions(unit) if depth == _INCLUDED][-1]
    found: dict[str, tuple[bool, str]] = {}
    for cursor in cursors:
        if cursor.kind > _LAST_DECLARATION and cursor.kind != _MACRO:
            continue
        name = clang.text(clang.getCursorSpelling(cursor))
        is_own = clang.place(clang.getCursorLocation(cursor))[0] == own
        children = clang.children(cursor) if cursor.kind == _ENUM else []
        for child in children:
            found[clang.text(clang.getCursorSpelling(child))] = is_own, ""
        key = f"{KEYWORDS[cursor.kind]} {name}" if cursor.kind in KEYWORDS else name
        was_own, text = found.get(key, (False, ""))
        if cursor.kind != _MACRO and not text:
            # `int (f)(void)` keeps a macro f from being used.
            text = _declaration(clang, cursor).replace(f"({name})(", f"{name}(")
        found[key] = is_own or was_own, text
        for child in clang.children(cursor) if cursor.kind == _STRUCT else []:
            if child.kind == _FIELD and (text := _function(clang, child)):
                found[f"{key}.{clang.text(clang.getCursorSpelling(child))}"] = is_own, text
    return found


def _function(clang: Any, field: Any) -> str:
    """What a field points to, as a function of its name; "" if that is no function.

    Clang's text lacks the parameters' names."""
    name = clang.text(clang.getCursorSpelling(field))
    result, is_function, rest = _declaration(clang, field).partition(f"(*{name})(")
    if not is_function or "(" in result:  # a function that returns one is left to others
        return ""
    them = [_declaration(clang, it) for it in clang.children(field) if it.kind == _PARAMETER]
    if rest.endswith(", ...)"):
        them.append("...")
    return f"{result}{name}({', '.join(them) or rest.removesuffix(')')})"


def _declaration(clang: Any, cursor: Any) -> str:
    policy = clang.getCursorPrintingPolicy(cursor)
    for setting in _TERSE:
        clang.PrintingPolicy_setProperty(policy, setting, 1)
    text: str = clang.text(clang.getCursorPrettyPrinted(cursor, policy))
    clang.PrintingPolicy_dispose(policy)
    for word in _STORAGE:
        text = text.removeprefix(word)
    return " ".join(text.split())
