// What a Python value becomes where C is due a pointer: the address that it is, holds or has.
#pragma once

#include "loader/core/call/convert.h"

namespace epy {

// Each is false with a Python exception if the value does not fit.
bool pointer_from_python(const module_state &, const parameter &, PyObject *value, c_value &out);
bool utf8_string_from_python(const module_state &, const parameter &, PyObject *value, c_value &);
bool wide_string_from_python(const module_state &, const parameter &, PyObject *value, c_value &);

} // namespace epy
