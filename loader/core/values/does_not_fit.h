// What a script reads about a value that does not fit its C type.
#pragma once

#include "loader/core/py.h"

namespace epy {

// epy.RangeError; false. `remedy` says what would fit.
bool does_not_fit(PyObject *value, const char *c_type, const char *remedy);

// epy.MisfitError; false. `reason` says why, if that is not plain.
bool wrong_type(PyObject *value, const char *expected, const char *reason = "");

} // namespace epy
