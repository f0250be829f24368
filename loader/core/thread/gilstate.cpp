#include "loader/core/thread/gilstate.h"

#include <atomic>
#include <climits>
#include <cstddef>

#if PY_VERSION_HEX >= 0x030f0000
#include "loader/core/python_image.h"
#else
#include <pthread.h>
#endif

namespace epy {

namespace {

// ---- where it may be

#if PY_VERSION_HEX >= 0x030f0000

// Since 3.15 a variable that each thread has (`_Py_tss_gilstate`, Python/pystate.c): one of the
// words of the object that has CPython in it. Its number leads __tls_get_addr to the calling
// thread's (psABI, "ELF Handling For Thread-Local Storage").
extern "C" void *__tls_get_addr(std::size_t *); // NOLINT(*-reserved-identifier, *-naming)

std::size_t place_count() noexcept { return find_python_image().variables_size / sizeof(void *); }

PyThreadState *volatile &variable(std::size_t place) noexcept {
    std::size_t index[] = {find_python_image().variables, place * sizeof(void *)};
    return *static_cast<PyThreadState *volatile *>(__tls_get_addr(index));
}

bool holds(std::size_t place, const PyThreadState *state) noexcept {
    return place < place_count() && variable(place) == state;
}

bool put(std::size_t place, PyThreadState *state) noexcept {
    variable(place) = state;
    return true;
}

#else

// A thread-specific key (`autoTSSkey`, Python/pystate.c).
std::size_t place_count() noexcept { return PTHREAD_KEYS_MAX; }

bool holds(std::size_t place, const PyThreadState *state) noexcept {
    return pthread_getspecific(static_cast<pthread_key_t>(place)) == state;
}

bool put(std::size_t place, PyThreadState *state) noexcept {
    return pthread_setspecific(static_cast<pthread_key_t>(place), state) == 0;
}

#endif

// ---- which of them it is

bool lead_by(std::size_t place, PyThreadState *from, PyThreadState *to) noexcept {
    if (!holds(place, from) || !put(place, to)) {
        return false;
    }
    if (PyGILState_GetThisThreadState() == to) {
        return true;
    }
    put(place, from); // somebody else's
    return false;
}

bool lead(PyThreadState *from, PyThreadState *to) noexcept {
    static constinit std::atomic<std::size_t> its_place{0};
    if (lead_by(its_place.load(std::memory_order_relaxed), from, to)) {
        return true;
    }
    for (std::size_t place = 0; place < place_count(); ++place) {
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

void lead_ensure_back(PyThreadState *state, PyThreadState *before) noexcept {
    if (PyGILState_GetThisThreadState() == state) {
        lead_ensure_to(before);
    }
}

} // namespace epy
