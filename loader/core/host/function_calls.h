// What epy adds to ctypes' calls of C functions.
#pragma once

#include "loader/core/state.h"

namespace epy {

// From now on every function pointer of ctypes is called with it, also one that the script or the
// host made without epy. False with a Python exception.
bool add_to_function_calls(const module_state &);

// Calls look for handles from the first class of epy.Object on, until the core's module dies.
void look_for_handles(const module_state &) noexcept;
void stop_looking_for_handles(const module_state &) noexcept;

// An object of `_host.objects._Handle` was made for an argument of the call that is being prepared:
// unless that is refused, the host has its reference.
void note_argument(PyObject *handle);

} // namespace epy
