// What the items of a view are: from a ctypes type to what memoryview and numpy read.
#pragma once

#include "loader/core/py.h"

namespace epy {

struct module_state;

struct element {
    const char *format; // of the struct module; never freed
    Py_ssize_t size;
};

// What was found out last, by the type's address. A version is never given twice, so no reference
// keeps the type alive.
struct known_element {
    PyObject *type;
    unsigned version;
    element item;
};
struct known_elements {
    known_element recent[64]{};
};

// Of a ctypes type, or None for bytes. False with a Python exception if items cannot be of it.
bool element_of(const module_state &, PyObject *type, element &out);

// Raises epy.ViewError, with the text of PyErr_Format. False.
bool view_error(const char *format, ...);

// Whether `type` is a class derived from `base`.
bool is_class_of(PyObject *type, PyObject *base);

} // namespace epy
