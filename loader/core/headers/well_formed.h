// Whether Python objects are types and definitions as `_c.terms` has them.
#pragma once

#include "loader/core/py.h"

namespace epy {

[[nodiscard]] bool is_well_formed(PyObject *kind);
[[nodiscard]] bool is_well_formed_definition(PyObject *definition);

// The same with a TypeError.
[[nodiscard]] bool check_type(PyObject *kind);
[[nodiscard]] bool check_function_type(PyObject *kind);

} // namespace epy
