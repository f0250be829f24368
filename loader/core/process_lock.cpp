#include "loader/core/process_lock.h"

namespace epy {

pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

namespace {

void lock() { pthread_mutex_lock(&process_lock); }
void unlock() { pthread_mutex_unlock(&process_lock); }

// What is registered first runs last before a fork: after whatever waits for a GIL.
[[gnu::constructor]] void follow_forks_from_the_beginning() {
    pthread_atfork(lock, unlock, unlock);
}

} // namespace

} // namespace epy
