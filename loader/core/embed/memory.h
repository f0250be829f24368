// epy._core.Memory: bytes with an owner, in both directions. The host's, which it gets back when
// Python is done with them; or those of a Python object, which the host has for a while.
#pragma once

#include "loader/core/state.h"

namespace epy::embed {

epy_object *memory(void *address, std::size_t bytes, bool writable, void (*release)(void *),
                   void *user) noexcept;
epy_object *buffer(epy_object *, bool writable, void **address, std::size_t *bytes) noexcept;

} // namespace epy::embed
