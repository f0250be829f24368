// Trampolines for callbacks that are no exports: function pointers in a host's structs.
#pragma once

#include "stub/stub.h"

namespace epy {

// The address of a fresh trampoline that leads to this record for good; null if no page can be
// mapped. Never given back: the record is used again together with its trampoline. May throw
// std::bad_alloc.
void *take_trampoline(const record *);

// The record that the trampoline at an address leads to, which may be any number; null if there is
// none. Without the GIL.
const record *record_at(const void *address) noexcept;

} // namespace epy
