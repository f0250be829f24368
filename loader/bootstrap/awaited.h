// What a thread of Python waits for, as far as Python can tell.
#pragma once

#include <pthread.h>

namespace epy {

// True if `thread` waits without a limit for `awaited` to end or to finish an import. Takes two
// seconds at most, and then knows nothing.
bool find_awaited(pthread_t thread, pthread_t &awaited) noexcept;

} // namespace epy
