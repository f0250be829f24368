// The declared error value of a callback: what the host gets when Python cannot give a result.
#pragma once

#include "loader/core/call/callback.h"

namespace epy {

// Puts it into the record. Null and void are zero. False with a Python exception if it does not
// fit.
bool set_error_value(const module_state &, const parameter &result, PyObject *error, call_record &);

// Gives what it points into, but for texts: a pointer becomes null.
[[nodiscard]] ref forget_error_value(call_record &);

// For the stamper, which stores it in a plugin's file. See _core.pyi.
PyObject *describe_error_value(const signature &, const call_record &);

} // namespace epy
