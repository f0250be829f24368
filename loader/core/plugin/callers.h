// Who calls the functions with which a host initializes Python.
#pragma once

namespace epy {

// `python_needed_by` is the loader's (loader/bootstrap/replace.h).
void ask_for_callers(const char *(*python_needed_by)(const void *caller) noexcept) noexcept;

// Whether the code at `caller` is a host's.
bool is_host(const void *caller) noexcept;

// A library that was made for another Python got this one's functions, which came first: nothing
// that it calls would fit. Null if all is well.
const char *objection_to(const void *caller, const char *function) noexcept;

} // namespace epy
