#include "loader/core/thread/gilstate.h"

#include <pthread.h>

#include <atomic>
#include <climits>

namespace epy {

namespace {

bool lead_by(pthread_key_t key, PyThreadState *from, PyThreadState *to) {
    if (pthread_getspecific(key) != from || pthread_setspecific(key, to) != 0) {
        return false;
    }
    if (PyGILState_GetThisThreadState() == to) {
        return true;
    }
    pthread_setspecific(key, from); // somebody else's
    return false;
}

// False where CPython has no key for it (3.15).
bool lead(PyThreadState *from, PyThreadState *to) noexcept {
    static constinit std::atomic<pthread_key_t> its_key{0};
    if (lead_by(its_key.load(std::memory_order_relaxed), from, to)) {
        return true;
    }
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; ++key) {
        if (lead_by(key, from, to)) {
            its_key.store(key, std::memory_order_relaxed);
            return true;
        }
    }
    return false;
}

} // namespace

bool is_what_ensure_leads_to(const PyThreadState *state) noexcept {
    return PyGILState_GetThisThreadState() == state;
}

void lead_ensure_to(PyThreadState *state) noexcept {
    PyThreadState *const before = PyGILState_GetThisThreadState();
    if (before != state && lead(before, state)) {
        cpython::bind_to_ensure(before, state);
    }
}

void lead_ensure_back(PyThreadState *state, PyThreadState *before) noexcept {
    if (PyGILState_GetThisThreadState() == state) {
        lead_ensure_to(before);
    }
}

} // namespace epy
