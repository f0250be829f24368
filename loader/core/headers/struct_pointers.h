// Every class of pointers to a struct or union of a header forwards its fields, whoever makes it.
#pragma once

#include "loader/core/headers/header_types.h"

namespace epy {

// The metaclass of the structs, or of the unions, of headers. Borrowed; null with a Python
// exception.
PyObject *metaclass_of_structs(const header_types &, bool is_struct);

} // namespace epy
