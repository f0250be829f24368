// What the core takes of ctypes: looked up once, when the module is made.
#pragma once

#include "loader/core/state.h"

namespace epy {

// False with a Python exception.
bool find_ctypes(module_state &);

} // namespace epy
