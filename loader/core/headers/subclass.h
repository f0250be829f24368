// A new class of a header, and what goes into it.
#pragma once

#include <initializer_list>

#include "loader/core/headers/classes.h"

namespace epy {

// The last base is ctypes' own, and so is the metaclass unless one is given. The body is the
// caller's own.
ref subclass(const header_types &, header_classes *, PyObject *name,
             std::initializer_list<PyObject *> bases, const ref &body,
             PyObject *metaclass = nullptr);

// A name made of that of another class: "LP_%U".
ref name_like(PyObject *type, const char *format, Py_ssize_t number = 0);

// A simple type by its name, of ctypes or of epy.
ref simple_class(const header_types &, const char *name);
ref simple_class(const header_types &, PyObject *name); // of a definition: it may be damaged

// Empty, without an exception, if there is none.
ref attribute_if_any(PyObject *type, PyObject *name);

} // namespace epy
