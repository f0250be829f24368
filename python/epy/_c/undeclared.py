"""The types that preprocessed C names but does not declare: a parser only stumbles over them."""

from __future__ import annotations

from collections.abc import Sequence

from .tokens import Token

_QUALIFIERS = {"const", "volatile", "restrict", "typedef", "extern", "static", "inline", "register"}
_TAGS = {"struct", "union", "enum"}
_KEYWORDS = (
    _QUALIFIERS
    | _TAGS
    | {"void", "char", "short", "int", "long", "float", "double", "signed", "unsigned"}
    | {"_Bool", "_Complex", "_Thread_local", "_Noreturn", "_Alignas", "_Alignof", "_Atomic"}
    | {"_Static_assert", "sizeof", "__int128", "typeof"}
)


def undeclared(tokens: Sequence[Token]) -> list[tuple[int, str]]:
    """Index and name of what stands where only a type can and no typedef declares."""
    known = _declared(tokens) | _KEYWORDS
    texts = ["", *(token.text for token in tokens), "", ""]
    found = []
    depth = 0  # of parentheses
    for index in range(1, len(texts) - 2):
        text = texts[index]
        depth += {"(": 1, ")": -1}.get(text, 0)
        if not text.isidentifier() or text in known or texts[index - 1] in _TAGS:
            continue
        before = index - 1
        while texts[before] in _QUALIFIERS:
            before -= 1
        following, second = texts[index + 1], texts[index + 2]
        if following == "*":
            is_type = second == "*" or second in ",)" or second.isidentifier() or second == "("
        else:
            is_type = following.isidentifier()
        if depth:
            is_type = texts[before] in ("(", ",") and (is_type or following in (",", ")", "["))
        else:
            is_type = texts[before] in ("", ";", "{", "}") and (
                is_type or (following, second) == ("(", "*")
            )
        if is_type:
            found.append((index - 1, text))
    return found


def _declared(tokens: Sequence[Token]) -> set[str]:
    """The names that typedefs give."""
    names: set[str] = set()
    texts = [token.text for token in tokens]
    for start, text in enumerate(texts):
        if text != "typedef":
            continue
        braces = parentheses = groups = 0
        for index in range(start + 1, len(texts) - 1):
            text, following = texts[index], texts[index + 1]
            if text in "{}":
                braces += 1 if text == "{" else -1
            elif braces:
                continue
            elif text == ";":
                break
            elif text in "()":
                groups += parentheses == 0 and text == "("
                parentheses += 1 if text == "(" else -1
            elif not text.isidentifier():
                continue
            elif parentheses == 0:
                if following in (";", ",", "[", "("):
                    names.add(text)
            elif groups == 1 and "*" in texts[start:index] and following in (")", "[", "("):
                names.add(text)
    return names
