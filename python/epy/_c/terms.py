"""What a type of C is, and a definition, as plain data: what a plugin stores.

A type is None (void), the name of a simple ctypes type, or a tuple:

    ("*", target)                        pointer
    ("[", element, length)               array; length 0 if it has no size
    ("(", result, parameters, variadic)  function; `()` is variadic without parameters
    ("t", name)                          what a typedef, its alias, stands for
    ("struct", key), ("union", key), ("enum", key)
    ("align", type, alignment)           not made any more
    ("?", reason, size, alignment)       what Python cannot hold; size 0 if that is unknown too

A header has a definition for each name of C's ordinary name space:

    ("t", type)  ("f", function type)  ("v", type)  ("c", value)
    ("f", function type, symbol), ("v", type, symbol) of what libraries have under another name
    ("m", Python expression, parameters), or ("x", ...) of one that calls C or reads its memory
    ("?", reason, sort)                  what cannot be used; sort is OPAQUE, EMPTY or ""

and, under "struct KEY", "union KEY" and "enum KEY", what a tag stands for:

    ("struct" or "union", name, size, packed, fields, anonymous, bits, members, obstacle)
    ("enum", integer type, ((name, value), ...))

`fields` are (name, type), in which storage has the name "". `anonymous` are the names of fields
whose own fields belong to the whole. `bits` are bit-fields, (name, type, offset, shift, width,
signed), `members` the names in the header's order, `obstacle` why it cannot be passed by value.
Under CONST it has which parameters lead to what C only reads, "f:5 g:1": their bits, by function.
Where a plugin has only what its script may ask for, it has CHOSEN, too: a constant without meaning.

The core reads what a plugin has stored, by the same names: loader/core/headers/kind.h. A later epy
reads it too, so a new part goes behind the others. tests/definitions.txt has all for both sides.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

Type = Any
CONST = "const *"
CHOSEN = "chosen *"
OPAQUE = "opaque"  # a struct, union or enum that is only declared, which serves for pointers
EMPTY = "empty"  # a macro that stands for nothing: it guards a header or marks declarations

pointer_target = itemgetter(1)
array_element, array_length = itemgetter(1), itemgetter(2)
function_result, function_parameters, function_is_variadic = map(itemgetter, (1, 2, 3))
alias_name = itemgetter(1)
tag_key = itemgetter(1)
impossible_reason, impossible_size = itemgetter(1), itemgetter(2)

declared_type = itemgetter(1)  # of a typedef, a function, a variable
declared_symbol = itemgetter(2)  # where libraries have it under another name
constant_value = itemgetter(1)
macro_expression, macro_parameters = itemgetter(1), itemgetter(2)
unusable_reason, unusable_sort = itemgetter(1), itemgetter(2)

layout_name, layout_size, layout_is_packed, layout_fields = map(itemgetter, (1, 2, 3, 4))
layout_anonymous, layout_bits, layout_members, layout_obstacle = map(itemgetter, (5, 6, 7, 8))
field_name, field_type = itemgetter(0), itemgetter(1)  # of fields and bits
bits_offset, bits_shift, bits_width, bits_is_signed = map(itemgetter, (2, 3, 4, 5))
enum_integer, enum_members = itemgetter(1), itemgetter(2)
member_name, member_value = itemgetter(0), itemgetter(1)


class Unsupported(Exception):
    """Something of C that Python cannot hold. The text is the reason, without a subject."""


def unusable(reason: str, sort: str = "") -> tuple[str, str, str]:
    """The definition of a name or tag that Python cannot use."""
    return ("?", reason, sort)


def opaque() -> tuple[str, str, str]:
    return unusable("has no definition in this header", OPAQUE)


def is_a(found: Type, kind: str) -> bool:
    return isinstance(found, tuple) and found[0] == kind


def named(kind: str, found: Type, name: str, symbol: str) -> tuple[Any, ...]:
    """The definition of a function or a variable."""
    return (kind, found) if name == symbol else (kind, found, symbol)


def is_signed(name: Any) -> bool:
    """Whether it is the name of a signed integer type."""
    return name in ("c_char", "c_byte", "c_wchar", "c_short", "c_int", "c_long", "c_longlong")
