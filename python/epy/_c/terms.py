"""What a type of C is, and a definition, as plain data: what a plugin stores.

A type is None (void), the name of a simple ctypes type, or a tuple:

    ("*", target)                        pointer
    ("[", element, count)                array; count 0 if it has no size
    ("(", result, parameters, variadic)  function; `()` is variadic without parameters
    ("t", name)                          typedef
    ("struct", key), ("union", key), ("enum", key)
    ("?", reason, size, alignment)       what Python cannot hold; size 0 if that is unknown too

A header has a definition for each name of C's ordinary name space:

    ("t", type)  ("f", function type)  ("v", type)  ("c", value)  ("?", why it cannot be used)
    ("m", Python expression), or ("x", ...) of one that calls C or reads its memory

and, under "struct KEY", "union KEY" and "enum KEY", what a tag stands for: see `types.Types`.
Under CONST it has which parameters lead to what C only reads, "f:5 g:1": their bits, by function.
"""

from __future__ import annotations

from typing import Any

Type = Any
CONST = "const *"
OPAQUE = ("?", "has no definition in this header")
EMPTY = ("?", "is a macro that is empty")


class Unsupported(Exception):
    """Something of C that Python cannot hold. The text is the reason, without a subject."""


def is_a(found: Type, kind: str) -> bool:
    return isinstance(found, tuple) and found[0] == kind


def is_signed(name: Any) -> bool:
    """Whether it is the name of a signed integer type."""
    return name in ("c_byte", "c_short", "c_int", "c_long", "c_longlong")
