// Calls of the host's functions through a header's function pointers.
#pragma once

#include "loader/core/headers/header_types.h"

namespace epy {

// How the arguments of a function are checked, as plain_call.h has it.
ref checks_of(const header_types &, PyObject *result, PyObject *parameters, bool is_variadic,
              bool keeps_errno);

// The slot tp_call of function pointers with a prototype: takes what a struct's field takes, never
// less or more than the prototype has. The first exception of a callback below is raised here.
// epy.ArgumentError for what does not fit: the function is not called then.
PyObject *call_host(PyObject *function, PyObject *arguments, PyObject *named);

} // namespace epy
