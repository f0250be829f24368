// The parts of `stored`: each converts for the types of one kind, with the same arguments and
// results.
#pragma once

#include <cstdint>

#include "loader/core/headers/stored.h"

namespace epy {

ref stored_simple(const header_types &, PyObject *ctype, PyObject *value, storing &);
ref stored_array(const header_types &, PyObject *ctype, PyObject *value, storing &);
ref stored_pointer(const header_types &, PyObject *ctype, PyObject *value, storing &);

// A struct or union from a tuple or dict of its fields.
ref stored_struct(PyObject *ctype, PyObject *value);

// A type of epy or of the script, which knows what it takes.
bool converts_itself(const header_types &, PyObject *ctype);

// Whether an int fits the integer type of this code.
bool integer_fits(PyObject *number, char code);
// The same; then `bits` are its own, with the sign in all above.
bool integer_of(PyObject *number, char code, std::uint64_t &bits);

} // namespace epy
