// What ctypes' classes refer to, and what refers to them, where Python's collector does not look.
#pragma once

#include "loader/core/state.h"

namespace epy {

// Before CPython 3.13 classes of function pointers and of arrays keep other classes where the
// collector does not look. A struct that leads to itself through one of these would stay for ever,
// with its script. From now on the collector sees them; without an exception if it cannot be done.
void show_references_of_types(const module_state &);

// array_types() -> ctypes' dictionary of the array types that there are, by (item type, length);
// None if it is not found. As long as an array type lives, it keeps that of the items.
PyObject *array_types(PyObject *core, PyObject *);

} // namespace epy
