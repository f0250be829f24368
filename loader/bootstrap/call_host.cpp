#include "loader/bootstrap/call_host.h"

#include <cxxabi.h>
#include <unistd.h>

#include "loader/bootstrap/gil.h"
#include "loader/log.h"
#include "stub/uncancelled.h"

namespace epy {

namespace {

[[noreturn]] void stay(const char *what) noexcept {
    say(log_level::error,
        "epy: pthread_exit was called in %s, where a thread cannot end: it stays there, and who "
        "joins it waits for ever; let that function return",
        what);
    const gil_release meanwhile;
    for (;;) {
        pause();
    }
}

} // namespace

// Of an unwinding that is forced there is no object: what is caught is never looked at.
[[gnu::no_sanitize("null")]] bool call_host(const char *what, void (*call)(void *),
                                            void *argument) noexcept {
    const uncancelled whole;
    try {
        call(argument);
        return true;
    } catch (const abi::__forced_unwind &) {
        stay(what);
    } catch (...) {
        return false;
    }
}

} // namespace epy
