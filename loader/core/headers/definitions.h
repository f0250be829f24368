// What a header declares: types and definitions, as `_c.terms` in Python has them.
#pragma once

#include "loader/core/headers/classes.h"

namespace epy {

// The first character of a type's or definition's first item, which tells them all apart; NUL for
// void and for simple types.
inline char what_of(PyObject *kind) {
    return PyTuple_Check(kind)
               ? static_cast<char>(PyUnicode_READ_CHAR(PyTuple_GET_ITEM(kind, 0), 0))
               : '\0';
}

// Borrowed.
inline PyObject *part_of(PyObject *kind, Py_ssize_t index) { return PyTuple_GET_ITEM(kind, index); }

// Whether a struct is only declared: `_c.terms.OPAQUE`.
bool is_opaque(PyObject *definition);

// How a header calls a tag: "struct KEY".
inline ref name_of_tag(const char *keyword, PyObject *key) {
    return ref(PyUnicode_FromFormat("%s %U", keyword, key));
}

// Of a tag; None if the header has none.
ref definition_of_tag(header_classes *, PyObject *name);
ref definition_of_enum(header_classes *, PyObject *key);

// Typedefs that stand for each other, one behind the other: more are a circle.
inline constexpr int most_names = 1000;
void circle_error(PyObject *kind);

// What a typedef, or a type with an alignment of its own, stands for.
ref behind_name(header_classes *, PyObject *kind);

// A type behind its typedefs, as far as they are not mapped.
ref resolved(header_classes *, PyObject *kind);

// Raises epy.HeaderNameError with the text of PyErr_Format. False.
bool header_name_error(const char *format, ...);

// Puts a name before the text of the HeaderNameError that is set, if one is.
void name_in_header_error(PyObject *name);

} // namespace epy
