// Values by format: Py_BuildValue and PyArg_ParseTuple, but with the host's objects in place of
// PyObject *.
#pragma once

#include <cstdarg>

#include "loader/core/state.h"

namespace epy::embed {

// Empty with an exception; what the format steals is released all the same.
ref build(module_state &, const char *format, std::va_list);

// The same as the arguments of a call: a tuple.
ref build_arguments(module_state &, const char *format, std::va_list);

// False with an exception; then no place holds a reference.
bool parse(module_state &, PyObject *value, const char *format, std::va_list places);

// One unit, which must not borrow from the value.
bool parse_into(module_state &, PyObject *value, const char *format, void *place);

} // namespace epy::embed
