// The way from a plugin to the loader of its process, which it opens when it is needed first.
// Freestanding.
#pragma once

#include "stub/stub.h"

namespace epy {

// Opens it if nobody has. Null after one line on stderr that names the remedy, and to a call from
// inside the opening.
[[nodiscard]] const loader_api *find_loader() noexcept;

// Null if none was opened from here.
[[nodiscard]] const loader_api *opened_loader() noexcept;

} // namespace epy
