// The classes of function pointers with a prototype.
#pragma once

#include "loader/core/headers/classes.h"

namespace epy {

// The classes of a function's result and parameters, as a tuple.
ref parts_of_function(const header_types &, header_classes *, PyObject *kind);

// What `errors` of the header has for functions with this result; None if nothing. The first on the
// way from the result's typedef to the built-in type counts.
ref error_of_result(header_classes *, PyObject *result);

// The class of pointers to a function. `refined`: the classes of its result and parameters, if
// others than the header's; or null.
ref function_class(const header_types &, header_classes *, PyObject *kind, PyObject *refined);

} // namespace epy
