"""C's numbers, characters and strings -> their values."""

from __future__ import annotations

import re
import sys

from .terms import Unsupported

LITERAL = re.compile(r'(?:u8|[uUL])?"(?:\\.|[^"\\])*"')
LITERALS = re.compile(rf"(?:{LITERAL.pattern}\s*)+")
_AT_END = re.compile(rf"{LITERALS.pattern}$")


def number(text: str) -> str:
    """A Python expression of a number, with the type that C gives it."""
    lower = text.lower().replace("'", "")
    is_hexadecimal = lower.startswith("0x")
    if "." in lower or ("p" if is_hexadecimal else "e") in lower:
        digits = lower.rstrip("l" if is_hexadecimal else "fl")
        single = lower.endswith("f") and (not is_hexadecimal or "p" in lower)
        digits = digits.rstrip("f") if single else digits
        try:
            value = float.fromhex(digits) if is_hexadecimal else float(digits)
        except ValueError:
            raise Unsupported(f"has the number {text}") from None
        return f"{'single' if single else 'of'}({value!r})"
    digits = lower.rstrip("ul")
    suffix = lower[len(digits) :]
    is_octal = digits[0] == "0" and digits.isdigit() and len(digits) > 1
    try:
        value = int(digits, 8 if is_octal else 0)
    except ValueError:
        raise Unsupported(f"has the number {text}") from None
    is_decimal = digits[0] != "0"
    for bits, signed in ((32, True), (32, False), (64, True), (64, False)):
        fits = value < 1 << (bits - signed) and not (signed and "u" in suffix)
        if (
            fits
            and not (bits == 32 and "l" in suffix)
            and (signed or "u" in suffix or not is_decimal)
        ):
            return f"number({value}, {bits}, {signed})"
    return f"number({value}, 64, False)"


def character(text: str) -> str:
    """A Python expression of a character constant, with the type that C gives it."""
    prefix, _, inner = text[:-1].partition("'")
    codes = _codes(inner, wide=bool(prefix))
    if len(codes) != 1:
        raise Unsupported("is a character of several bytes")
    value = codes[0] - 256 if not prefix and codes[0] > 127 else codes[0]
    return f"number({value}, 32, {prefix != 'U'})"


def text_at_end(declaration: str) -> bytes | str:
    """The value of the literals that a declaration ends with."""
    found = _AT_END.search(declaration)
    return text_of(found[0] if found else '""')


def text_of(literals: str) -> bytes | str:
    """The value of string literals side by side; wide ones are str."""
    parts = [it[:-1].partition('"')[::2] for it in LITERAL.findall(literals)]
    prefix = max(prefix for prefix, _ in parts)
    if prefix in ("u", "U"):
        raise Unsupported("is a string of a type that Python has not")
    codes = [code for _, part in parts for code in _codes(part, wide=prefix == "L")]
    return "".join(map(_chr, codes)) if prefix == "L" else bytes(codes)


def _chr(code: int) -> str:
    """The character with this code. Raises Unsupported."""
    if code > sys.maxunicode or 0xD800 <= code < 0xE000:  # half of a pair
        raise Unsupported(f"has {code:#x}, which is no character")
    return chr(code)


_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([\da-fA-F]+)|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))", re.S
)
_ESCAPES = {**dict(zip("abfnrtv", b"\a\b\f\n\r\t\v", strict=True)), "e": 27}


def _codes(text: str, wide: bool = False) -> list[int]:
    """The bytes of a literal's inside, or of a wide one the characters."""
    found: list[int] = []

    def plain(part: str) -> None:
        found.extend(map(ord, part) if wide else part.encode("utf-8", "surrogateescape"))

    start = 0
    for escape in _ESCAPE.finditer(text):
        plain(text[start : escape.start()])
        start = escape.end()
        octal, digits, short, long, other = escape.groups()
        if octal or digits:
            found.append(int(octal or digits, 8 if octal else 16) & (0xFFFFFFFF if wide else 255))
        elif short or long:
            plain(_chr(int(short or long, 16)))
        else:
            found.append(_ESCAPES.get(other, ord(other) & 255))
    plain(text[start:])
    return found
