#include "loader/core/embed/host_lock.h"

#include <pthread.h>

#include "loader/immortal.h"

namespace epy {

namespace {

immortal<std::mutex> the_lock;

// Before Python's own are arranged: so the lock is taken after Python's, and given back before.
[[gnu::constructor]] void arrange_fork() {
    pthread_atfork([] { (*the_lock).lock(); }, [] { (*the_lock).unlock(); },
                   [] { the_lock.renew(); });
}

} // namespace

std::mutex &counts_lock() noexcept { return *the_lock; }

} // namespace epy
