// What a pointer of ctypes made by epy lies in: the address, and what keeps the memory there.
//
// ctypes.cast would let the memory refer to itself, so that it goes when the collector comes and
// not before: an array of a megabyte for each call, a bytearray that nobody can resize.
#pragma once

#include "loader/core/headers/header_types.h"
#include "loader/core/values/pointed.h"

namespace epy {

// An object of a class of pointers, of functions too. Empty with a Python exception.
ref pointer_object(const header_types &, PyObject *ctype, pointed);

extern PyType_Spec held_pointer_spec;

} // namespace epy
