// What PyGILState_Ensure leads to on this thread: a state in a thread-specific key, or a variable
// of the thread, that no function gives. The one is it that changes what
// PyGILState_GetThisThreadState says. Since 3.12 CPython leads it to each state that becomes
// current.
#pragma once

#include "loader/core/cpython.h"

namespace epy {

bool is_what_ensure_leads_to(const PyThreadState *) noexcept;

// To a state, null for nothing.
void lead_ensure_to(PyThreadState *) noexcept;

// At the end of this thread, or of the Python that `state` was of, which is not touched. A key
// leads nowhere then by itself; the variable goes on leading there.
void lead_ensure_nowhere_from(PyThreadState *state) noexcept;

// From `state`, which is current and goes, back to what it led to before.
void lead_ensure_back(PyThreadState *state, PyThreadState *before) noexcept;

} // namespace epy
