// The parts of a type and of a definition, which are plain data: `_c.terms` in Python says what
// they are and names the parts as here; tests/definitions.txt holds the two together.
//
// What a plugin has stored is read by every later epy: a new part goes behind the others, and who
// reads it bears that plugins of before have none.
#pragma once

#include "loader/core/py.h"

namespace epy {

// The first character of a tuple's first item tells all kinds apart.
enum class kind_of : char {
    simple = '\0', // no tuple: void, or a type that ctypes has
    pointer = '*',
    array = '[',
    function = '(',
    alias = 't',
    structure = 's',
    union_type = 'u',
    enumeration = 'e',
    aligned = 'a',
    impossible = '?', // of a type; a definition is `unusable` then
};

inline kind_of what_of(PyObject *kind) {
    return PyTuple_Check(kind)
               ? static_cast<kind_of>(PyUnicode_READ_CHAR(PyTuple_GET_ITEM(kind, 0), 0))
               : kind_of::simple;
}

inline bool is_tag(kind_of what) {
    return what == kind_of::structure || what == kind_of::union_type ||
           what == kind_of::enumeration;
}

// A borrowed part of what is well formed.
template <Py_ssize_t place> PyObject *part(PyObject *whole) {
    return PyTuple_GET_ITEM(whole, place);
}

// Of each.
inline constexpr auto word = part<0>;

// Types
inline constexpr auto pointer_target = part<1>;
inline constexpr auto array_element = part<1>;
inline constexpr auto array_length = part<2>;
inline constexpr auto function_result = part<1>;
inline constexpr auto function_parameters = part<2>;
inline constexpr auto function_is_variadic = part<3>;
inline constexpr auto alias_name = part<1>;
inline constexpr auto tag_key = part<1>;
inline constexpr auto aligned_type = part<1>;
inline constexpr auto aligned_alignment = part<2>;
inline constexpr auto impossible_reason = part<1>;
inline constexpr auto impossible_size = part<2>;

// Definitions of names
inline constexpr auto declared_type = part<1>;   // of a typedef, a function, a variable
inline constexpr auto declared_symbol = part<2>; // only where libraries have it under another name
inline constexpr auto constant_value = part<1>;
inline constexpr auto macro_expression = part<1>;
inline constexpr auto macro_parameters = part<2>; // not of plugins of before
inline constexpr auto unusable_reason = part<1>;
inline constexpr auto unusable_sort = part<2>; // not of plugins of before

// Definitions of tags: of a struct or union its layout
inline constexpr auto layout_name = part<1>;
inline constexpr auto layout_size = part<2>;
inline constexpr auto layout_is_packed = part<3>;
inline constexpr auto layout_fields = part<4>;
inline constexpr auto layout_anonymous = part<5>;
inline constexpr auto layout_bits = part<6>;
inline constexpr auto layout_members = part<7>;
inline constexpr auto layout_obstacle = part<8>;
inline constexpr auto field_name = part<0>; // of fields and bits
inline constexpr auto field_type = part<1>;
inline constexpr auto bits_offset = part<2>;
inline constexpr auto bits_shift = part<3>;
inline constexpr auto bits_width = part<4>;
inline constexpr auto bits_is_signed = part<5>;
inline constexpr auto enum_integer = part<1>;
inline constexpr auto enum_members = part<2>;
inline constexpr auto member_name = part<0>;
inline constexpr auto member_value = part<1>;

// Whether a struct is only declared, so that it serves for pointers. Plugins of before the sort was
// stored have of what cannot be used only what their script named, which was this.
inline bool is_opaque(PyObject *definition) {
    return what_of(definition) == kind_of::impossible &&
           (PyTuple_GET_SIZE(definition) == 2 ||
            PyUnicode_CompareWithASCIIString(unusable_sort(definition), "opaque") == 0);
}

} // namespace epy
