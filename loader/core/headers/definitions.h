// What a header declares, looked up.
#pragma once

#include "loader/core/headers/classes.h"
#include "loader/core/headers/kind.h"

namespace epy {

// How a header calls a tag: "struct KEY".
inline ref name_of_tag(const char *keyword, PyObject *key) {
    return ref(PyUnicode_FromFormat("%s %U", keyword, key));
}

// Of a tag; None if the header has none.
ref definition_of_tag(header_classes *, PyObject *name);

// Of an enum; None, too, if it is only declared.
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

// To a script, whose header it may be that nests types too deeply: then a HeaderNameError.
PyObject *given(ref made);

// Puts a name before the text of the HeaderNameError that is set, if one is.
void name_in_header_error(PyObject *name);

} // namespace epy
