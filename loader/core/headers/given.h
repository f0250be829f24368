// Functions in structs that are given to C, as an argument or a result: C copies structs, and calls
// what it has copied when the script's object is long gone.
#pragma once

#include <cstdint>

#include "loader/core/headers/kept_values.h"

namespace epy {

// Keeps a ctypes object with the functions that it leads to now, or those of ctypes objects in a
// list, tuple or dict, as what is stored at `place`: see kept_values.h. What leads to none is not
// kept. False with a Python exception.
bool keep_given(const header_types &, kept_values *, std::uintptr_t place, PyObject *value);

// The same of a struct by value, which is a place for each type. One of no header is as C has it.
bool keep_given_struct(const module_state &, PyObject *value);

// The same of all arguments of a function of a header: each parameter is a place.
bool keep_arguments(const header_types &, PyObject *function, PyObject *arguments);

} // namespace epy
