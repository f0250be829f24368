// An exception that a C function wants to be raised where Python called it: `epy_raise`.
//
// Each call of a C function through ctypes has a place for one. Calls nest, by callbacks: the place
// of the outer one waits.
#pragma once

#include "loader/core/thread/open_scopes.h"

namespace epy {

struct c_call {
    int depth = 0;                     // of calls that Python has made on this thread
    PyObject *raised = nullptr;        // owned: raised when the call is over
    PyObject *failure = nullptr;       // owned: of a function of epy.h inside of the call
    open_scope *outer_floor = nullptr; // for scopes
};

extern constinit thread_local c_call running_c_call [[gnu::tls_model("initial-exec")]];

// Around a call. Not a class with a destructor: one that is unwound at Python's end must not touch
// objects.
[[nodiscard]] inline c_call begin_c_call() noexcept {
    const c_call outer = running_c_call;
    running_c_call = {outer.depth + 1, nullptr, nullptr,
                      std::exchange(scopes_here.floor, scopes_here.innermost)};
    return outer;
}
// The function has returned: before anything else, where that can be.
inline void leave_scopes_of_c_call() noexcept {
    if (scopes_here.innermost != scopes_here.floor) [[unlikely]] {
        leave_scopes_above_floor(false);
    }
}
// What the call gives: its result, or null with what was raised.
PyObject *end_c_call(const c_call &outer, PyObject *result) noexcept;

} // namespace epy
