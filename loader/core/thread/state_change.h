// A thread's change from another interpreter's state to one of ours, and back at the end.
//
// The host's code that runs in between goes on as if nothing had been changed: a plugin in C would
// have left its interpreter current. So for its scope the change is taken back (`gil_as_found` in
// context.h, and the calls of host/kept_gil.h).
#pragma once

#include "loader/core/py.h"

namespace epy {

class state_change {
public:
    // `found` is current; or null, where only PyGILState_Ensure leads elsewhere. `own` was made for
    // this thread, which led PyGILState_Ensure to `ensured` before.
    void begin(PyThreadState *found, PyThreadState *own, PyThreadState *ensured) noexcept;
    // The thread has the state that it had. Clears and deletes `own` if it was made for the scope.
    void end(bool own_goes) noexcept;

    // The state that was current; null if there was none. Before `begin`, too.
    [[nodiscard]] PyThreadState *found() const noexcept { return found_; }

    // What this thread has found, and then again what it has changed to last: from what the host
    // has left, which may have ended the interpreter. Of a thread that has found another
    // interpreter's state (call_context::found). Leaves errno alone.
    static void take_back() noexcept;
    static void make_again() noexcept;

private:
    static constinit thread_local state_change *innermost [[gnu::tls_model("initial-exec")]];

    PyThreadState *found_ = nullptr;
    PyThreadState *own_;
    PyThreadState *ensured_; // what PyGILState_Ensure led to
    state_change *outer_;
};

} // namespace epy
