// Guards what the host counts without Python's lock: its references to callbacks and to wrappers of
// its objects. Never held around Python or a call into the host, and taken last; also while the
// process exits, and in a forked child.
#pragma once

#include <mutex>

namespace epy {

std::mutex &counts_lock() noexcept;

} // namespace epy
