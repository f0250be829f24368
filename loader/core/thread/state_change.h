// A thread's change from another interpreter's state to one of ours, and back at the end: from the
// current one, or where none is, from the one that PyGILState_Ensure leads to.
//
// The host's code that runs in between goes on as if nothing had been changed: a plugin in C would
// have left its interpreter current, and its code may delete the state. So for its scope the change
// is taken back (`gil_as_found` in context.h, and the calls of host/kept_gil.h).
#pragma once

#include "loader/core/py.h"

namespace epy {

// How the host's call found the GIL on its thread.
enum class found_gil : unsigned char {
    free = 0,
    held = 1,
    led_elsewhere = 2, // free, where PyGILState_Ensure led to another state than ours
    of_another = 3,    // with another interpreter's state current
};

// There is a state_change, to be taken back for the host's code.
constexpr bool is_changed(found_gil found) noexcept { return found >= found_gil::led_elsewhere; }

class state_change {
public:
    // `found` is current; or null, where only PyGILState_Ensure leads elsewhere. `own` was made for
    // this thread, which led PyGILState_Ensure to `ensured` before.
    void begin(PyThreadState *found, PyThreadState *own, PyThreadState *ensured) noexcept;
    // The thread has the state that it had. Clears and deletes `own` if it was made for the scope.
    void end(bool own_goes) noexcept;

    // After `begin`.
    [[nodiscard]] found_gil found() const noexcept {
        return found_ != nullptr ? found_gil::of_another : found_gil::led_elsewhere;
    }

    // One has begun on this thread, and leads PyGILState_Ensure elsewhere for its scope.
    [[nodiscard]] static bool has_begun() noexcept { return innermost != nullptr; }

    // What this thread has found, and then again what it has changed to last: from what the host
    // has left, which may have ended the interpreter. Of a thread that `is_changed`
    // (call_context::found). Leaves errno alone.
    static void take_back() noexcept;
    static void make_again() noexcept;

private:
    static constinit thread_local state_change *innermost [[gnu::tls_model("initial-exec")]];

    PyThreadState *found_; // that was current; null if there was none
    PyThreadState *own_;
    PyThreadState *ensured_; // what PyGILState_Ensure led to
    state_change *outer_;
};

} // namespace epy
