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

void lead(PyThreadState *from, PyThreadState *to) noexcept {
    static constinit std::atomic<pthread_key_t> its_key{0};
    if (lead_by(its_key.load(std::memory_order_relaxed), from, to)) {
        return;
    }
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; ++key) {
        if (lead_by(key, from, to)) {
            its_key.store(key, std::memory_order_relaxed);
            return;
        }
    }
}

} // namespace

bool is_what_ensure_leads_to(const PyThreadState *state) noexcept {
    return cpython::ensure_follows_current_state || PyGILState_GetThisThreadState() == state;
}

PyThreadState *lead_ensure_to(PyThreadState *state) noexcept {
    PyThreadState *const before = PyGILState_GetThisThreadState();
    if (!cpython::ensure_follows_current_state && before != state) {
        lead(before, state);
    }
    return before;
}

void lead_ensure_back(PyThreadState *state, PyThreadState *before) noexcept {
    if (before != state && PyGILState_GetThisThreadState() == state) {
        lead(state, before);
        cpython::bind_to_ensure(state, before);
    }
}

} // namespace epy
