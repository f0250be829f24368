// Structs from what scripts write for them.
#pragma once

#include "loader/core/py.h"

namespace epy {

// A struct or union of a ctypes class from a tuple or dict of its fields; empty with a Python
// exception.
ref struct_from_python(PyObject *ctype, PyObject *fields);

} // namespace epy
