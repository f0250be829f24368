// A host that gives Python other memory functions before it initializes the Python that epy has
// started.
//
// For CPython it is too late then: the first call that frees an object of before would end the
// process. Only functions may come that pass everything on to those that there are. Whether they do
// is tried:
//
//   PyMem_GetAllocator(domain)           gives functions of epy's that lead to CPython's
//   PyMem_SetAllocator(domain, others)   a trial: `others` are called for a block, and those of
//                                        epy's give them one and get it back, or not
//
// Others (with memory of their own, with a header before each block, with another domain's) stay
// out, with one line: Python works, the host's functions are not used.
#pragma once

#include "loader/core_api.h"

namespace epy {

// The functions for it lead here where `is_epys` says so.
void take_allocators(void (*replace_functions)(const void *, const replacement *,
                                               std::size_t) noexcept,
                     bool (*is_epys)() noexcept) noexcept;

} // namespace epy
