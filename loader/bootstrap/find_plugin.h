// Which plugin a dlopen handle, or an address inside of it, means.
#pragma once

#include "stub/stub.h"

namespace epy {

// Null if it is none. Any pointer may come: none is followed before it is known.
stub_info *find_plugin(const void *handle_or_address) noexcept;

} // namespace epy
