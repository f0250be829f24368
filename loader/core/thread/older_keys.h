// Thread-specific keys that end between Python's and epy's.
#pragma once

#include <pthread.h>

#include "loader/core/py.h"

namespace epy {

// Whether there are keys between Python's and this: a host with a Python of its own has made them
// before a plugin's first call. With the GIL.
inline bool has_keys_before(pthread_key_t own) noexcept {
    const PyThreadState *const state = PyGILState_GetThisThreadState();
    bool found = false;
    for (pthread_key_t key = 0; key < own; ++key) {
        void *const value = pthread_getspecific(key);
        if (state != nullptr && value == state) {
            found = false;
        } else if (pthread_setspecific(key, value) == 0) {
            found = true;
        }
    }
    return found;
}

// Runs when this thread ends, before the destructors of keys, which run in the keys' order. To
// register it ends the process without memory: so only for hosts that have such keys.
template <void (*end)() noexcept> void before_keys_end() {
    struct announcement {
        announcement() noexcept = default;
        ~announcement() { end(); }
        announcement(const announcement &) = delete;
        announcement &operator=(const announcement &) = delete;
    };
    thread_local const announcement at_end [[gnu::tls_model("initial-exec")]];
    static_cast<void>(at_end);
}

} // namespace epy
