// Numbers in a struct that a pointer leads to, read where they lie: without an object for the
// struct, which each read would make. Hosts pass such pointers in nearly every call.
#pragma once

#include "loader/core/headers/header_types.h"

namespace epy {

// The value of a field that `note_field` has found to be plain. Null, without an exception, if it
// is not known, or the pointer has something of its own; null with one if memory is out.
PyObject *plain_field(const header_types &, PyObject *pointer, PyObject *name);

// What `target`, a struct, says of a field that a pointer of this class has been asked for.
void note_field(const header_types &, PyObject *pointer, PyObject *target, PyObject *name);

} // namespace epy
