#include "loader/current_state.h"

#include <pthread.h>

#include <cstdint>
#include <cstring>
#include <ctime>

namespace epy {

namespace {

struct stack {
    std::uintptr_t low = 0;
    std::uintptr_t high = 0;
};

// What has turned out to be this thread's.
struct confirmed_state {
    const void *state = nullptr;
    std::uintptr_t interpreter = 0;
};

constinit thread_local stack this_stack [[gnu::tls_model("initial-exec")]];
constinit thread_local confirmed_state confirmed [[gnu::tls_model("initial-exec")]];

// Another thread may be writing it, or have freed it.
[[gnu::no_sanitize("address", "thread")]] std::uintptr_t word(const void *state,
                                                              std::size_t offset) noexcept {
    return *reinterpret_cast<const volatile std::uintptr_t *>(static_cast<const char *>(state) +
                                                              offset);
}

bool is_on_this_stack(std::uintptr_t address) noexcept {
    if (this_stack.high == 0) {
        pthread_attr_t attributes;
        void *low = nullptr;
        std::size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            pthread_attr_getstack(&attributes, &low, &size);
            pthread_attr_destroy(&attributes);
        }
        this_stack = {reinterpret_cast<std::uintptr_t>(low),
                      reinterpret_cast<std::uintptr_t>(low) + size};
    }
    return address >= this_stack.low && address < this_stack.high;
}

bool runs_no_python(const void *state) noexcept {
    return word(state, frame_in_state) ==
           reinterpret_cast<std::uintptr_t>(state) + first_frame_in_state;
}

// A thread that has the GIL and is not looking on gives it up, ends, or goes on in Python.
bool stays_as_it_is(const void *state, const void *(*look_again)()) noexcept {
    constexpr int looks = 200;
    constexpr timespec between = {0, 100'000};
    for (int i = 0; i < looks; ++i) {
        nanosleep(&between, nullptr);
        if (look_again() != state || !runs_no_python(state)) {
            return false;
        }
    }
    return true;
}

} // namespace

bool is_current_here(const void *current, const void *first, const void *(*look_again)()) noexcept {
    if (current == nullptr || current == first) {
        return current != nullptr;
    }
    if (word(current, thread_in_state) != static_cast<std::uintptr_t>(pthread_self())) {
        return false;
    }
    if (!runs_no_python(current)) {
        return is_on_this_stack(word(current, frame_in_state));
    }
    const confirmed_state seen{current, word(current, interpreter_in_state)};
    if (confirmed.state != seen.state || confirmed.interpreter != seen.interpreter) {
        if (!stays_as_it_is(current, look_again)) {
            return false;
        }
        confirmed = seen;
    }
    return true;
}

} // namespace epy
