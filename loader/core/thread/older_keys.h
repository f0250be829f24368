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

} // namespace epy
