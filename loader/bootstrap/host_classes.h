// The classes that the host has registered: known before any Python runs.
#pragma once

#include "loader/include/epy.h"

namespace epy {

// Copies it. False, after saying why in the thread's last error, if the name is taken. May throw
// std::bad_alloc.
bool register_class(const epy_class &);

// Null if there is none. It stays.
const epy_class *find_class(const char *name) noexcept;

} // namespace epy
