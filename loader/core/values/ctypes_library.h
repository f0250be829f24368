// What the core takes of ctypes.
//
// Most scripts never use it, and to import it takes as long as half of Python's start: so it is
// imported when a value or a type needs it, and before that no object can be one of its.
#pragma once

#include "loader/core/state.h"

namespace epy {

// The names that the core looks up in classes: when the module is made.
bool intern_names(module_state &);

// From here on what `module_state` has of ctypes is there. False with a Python exception if it
// cannot be imported.
bool find_ctypes(const module_state &);

// The same if somebody has imported it: what is given may be one of its objects. False with a
// Python exception; `has_ctypes` says whether it is there.
bool find_ctypes_if_imported(const module_state &);

inline bool has_ctypes(const module_state &state) { return state.aggregates != nullptr; }

} // namespace epy
