// `char *` in the prototype of a header's function: bytes in Python, but a str goes out too. No
// copy is made: the host may look at the text as long as the script keeps the str: a literal, until
// unload.
#pragma once

#include "loader/core/headers/header_types.h"

namespace epy {

// The class of such a parameter, made at first need. Borrowed; null with a Python exception.
PyObject *text_class(const header_types &);

// A value as a `char *`; empty with a Python exception.
ref text_as_argument(const header_types &, PyObject *value);

// Method of the module `_core`.
PyObject *text_argument(PyObject *module, PyObject *value);

extern PyType_Spec text_spec; // of what the class inherits, beside ctypes.c_char_p

} // namespace epy
