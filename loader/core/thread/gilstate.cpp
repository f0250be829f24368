#include "loader/core/thread/gilstate.h"

#include <pthread.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <type_traits>

#include "loader/core/python_image.h"

// psABI, "ELF Handling For Thread-Local Storage": { object, offset } to the calling thread's.
extern "C" void *__tls_get_addr(std::size_t *); // NOLINT(*-reserved-identifier, *-naming)

namespace epy {

namespace {

// ---- where it may be

// Words of the variables that each thread has of the object that CPython is in.
struct thread_variables {
    static std::size_t count() noexcept {
        return find_python_image().variables_size / sizeof(PyThreadState *);
    }
    static bool holds(std::size_t place, const PyThreadState *state) noexcept {
        return place < count() && variable(place) == state;
    }
    static bool put(std::size_t place, PyThreadState *state) noexcept {
        variable(place) = state;
        return true;
    }

private:
    static PyThreadState *volatile &variable(std::size_t place) noexcept {
        std::size_t index[] = {find_python_image().variables, place * sizeof(PyThreadState *)};
        return *static_cast<PyThreadState *volatile *>(__tls_get_addr(index));
    }
};

struct thread_specific_keys {
    static std::size_t count() noexcept { return PTHREAD_KEYS_MAX; }
    static bool holds(std::size_t place, const PyThreadState *state) noexcept {
        return pthread_getspecific(static_cast<pthread_key_t>(place)) == state;
    }
    static bool put(std::size_t place, PyThreadState *state) noexcept {
        return pthread_setspecific(static_cast<pthread_key_t>(place), state) == 0;
    }
};

using places =
    std::conditional_t<cpython::has_gilstate_variable, thread_variables, thread_specific_keys>;

// ---- which of them it is

bool lead_by(std::size_t place, PyThreadState *from, PyThreadState *to) noexcept {
    if (!places::holds(place, from) || !places::put(place, to)) {
        return false;
    }
    if (PyGILState_GetThisThreadState() == to) {
        return true;
    }
    places::put(place, from); // somebody else's
    return false;
}

bool lead(PyThreadState *from, PyThreadState *to) noexcept {
    static constinit std::atomic<std::size_t> its_place{0};
    if (lead_by(its_place.load(std::memory_order_relaxed), from, to)) {
        return true;
    }
    for (std::size_t place = 0; place < places::count(); ++place) {
        if (lead_by(place, from, to)) {
            its_place.store(place, std::memory_order_relaxed);
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

void lead_ensure_nowhere_from(PyThreadState *state) noexcept {
    if (cpython::has_gilstate_variable && state != nullptr && is_what_ensure_leads_to(state)) {
        lead(state, nullptr);
    }
}

void lead_ensure_back(PyThreadState *state, PyThreadState *before) noexcept {
    if (PyGILState_GetThisThreadState() == state) {
        lead_ensure_to(before);
    }
}

} // namespace epy
