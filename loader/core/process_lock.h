// The lock for what all interpreters of the process share. Each may have a GIL of its own, so that
// none of those guards it. Never held while Python runs or anything is waited for; a fork takes it,
// last of all, so that the child finds it free and what it guards whole.
#pragma once

#include <pthread.h>

namespace epy {

extern pthread_mutex_t process_lock;

class process_guard {
public:
    process_guard() noexcept { pthread_mutex_lock(&process_lock); }
    ~process_guard() { pthread_mutex_unlock(&process_lock); }
    process_guard(const process_guard &) = delete;
    process_guard &operator=(const process_guard &) = delete;
};

} // namespace epy
