// How the loader calls a function of the host's: a sink, a visitor. epy waits for what it gives, so
// it cannot leave in any other way: its C++ exceptions end here, it is not cancelled meanwhile, and
// a thread that ends itself in there (pthread_exit) stays, without Python's lock.
#pragma once

namespace epy {

// False if the function threw an exception. `what`: "a log sink".
bool call_host(const char *what, void (*call)(void *), void *argument) noexcept;

template <typename Call> bool call_host(const char *what, Call call) noexcept {
    return call_host(
        what, [](void *argument) { (*static_cast<Call *>(argument))(); }, &call);
}

} // namespace epy
