// What PyGILState_Ensure leads to on this thread. From 3.12 on it is the state that was current
// last. Before that it is the thread's first state, in a thread-specific key that no function
// gives: the one is it that changes what PyGILState_GetThisThreadState says.
#pragma once

#include "loader/core/cpython.h"

namespace epy {

bool is_what_ensure_leads_to(const PyThreadState *) noexcept;

// Before 3.12, where it does not follow what is current. Returns what it led to.
PyThreadState *lead_ensure_to(PyThreadState *) noexcept;

// From `state`, which is current and goes, back to what it led to before; null for nothing.
void lead_ensure_back(PyThreadState *state, PyThreadState *before) noexcept;

} // namespace epy
