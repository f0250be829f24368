// A host that gives Python other memory functions before it initializes the Python that epy has
// started.
//
// The first of its calls that frees an object of before would end the process: for CPython it is
// too late then. Functions around those that there are may come at any time, and who makes such has
// asked for these. Others stay out, with one line: Python works, the host's functions are not used.
#pragma once

#include "loader/core_api.h"

namespace epy {

// The functions for it lead here where `is_epys` says so.
void take_allocators(void (*replace_functions)(const void *, const replacement *,
                                               std::size_t) noexcept,
                     bool (*is_epys)() noexcept) noexcept;

} // namespace epy
