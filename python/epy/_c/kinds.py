"""The kinds of types that Clang knows, and what ctypes has for those of C itself."""

from __future__ import annotations

from .terms import Type

# clang-c/Index.h, CXTypeKind
SIMPLE: dict[int, Type] = {
    2: None,
    3: "c_bool",
    4: "c_char",
    5: "c_ubyte",
    6: "c_ushort",
    7: "c_uint",
    8: "c_ushort",
    9: "c_uint",
    10: "c_ulong",
    11: "c_ulonglong",
    13: "c_char",
    14: "c_byte",
    15: "c_wchar",
    16: "c_short",
    17: "c_int",
    18: "c_long",
    19: "c_longlong",
    21: "c_float",
    22: "c_double",
    23: "c_longdouble",
}
AS_NUMBERS = {"c_bool": "c_ubyte", "c_char": "c_byte", "c_wchar": "c_int"}  # `enum E : char`
COMPLEX, POINTER, RECORD, ENUM, TYPEDEF = 100, 101, 105, 106, 107
OPEN_FUNCTION, FUNCTION, ARRAY, VECTOR, ANY_ARRAY = 110, 111, 112, 113, (114, 115, 116)
REFERENCES, ELABORATED, ATTRIBUTED, EXTENDED_VECTOR, ATOMIC = (103, 104), 119, 163, 176, 177
FUNCTIONS = (FUNCTION, OPEN_FUNCTION)
INDIRECT = (POINTER, *REFERENCES, *FUNCTIONS)
IMPOSSIBLE = {
    12: "unsigned __int128: 128-bit integers are not supported",
    20: "__int128: 128-bit integers are not supported",
    30: "_Float128: 128-bit floating point is not supported",
    **dict.fromkeys((31, 32), "_Float16: 16-bit floating point is not supported"),
    39: "__bf16: 16-bit floating point is not supported",
    COMPLEX: "long double _Complex is not supported",
    VECTOR: "the attribute vector_size is not supported",
    EXTENDED_VECTOR: "the attribute ext_vector_type is not supported",
}
ALIGNMENTS = {
    **dict.fromkeys(("c_short", "c_ushort"), 2),
    **dict.fromkeys(("c_int", "c_uint", "c_wchar", "c_float", "c_float_complex"), 4),
    **dict.fromkeys(("c_long", "c_ulong", "c_longlong", "c_ulonglong"), 8),
    **dict.fromkeys(("c_double", "c_double_complex"), 8),
    "c_longdouble": 16,
}  # of ctypes' types; all others: 1
