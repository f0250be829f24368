// What runs on this thread, as values: call/scope.h sets them and puts them back.
#pragma once

#include <cstdint>

#include "loader/core/py.h"

namespace epy {

// What few calls need: made on first use, dropped with the scope.
struct call_extras {
    int error_number = -1;  // errno for the host, if the script has set one
    bool recording = false; // epy.call runs: it wants the exceptions of callbacks below
    ref first_exception;    // while recording
    Py_ssize_t more_exceptions = 0;
    PyObject *views = nullptr; // what epy.view has made, see call/view.h
};

struct call_context {
    // Above every stack pointer: no call came in on this stack.
    static constexpr std::uintptr_t no_entry = UINTPTR_MAX - 1;

    // Stack pointers are even. One less stands for the same, with the GIL held: so it costs nothing
    // to keep in mind, and compares as before.
    static constexpr std::uintptr_t with_gil(std::uintptr_t stack_pointer) noexcept {
        return stack_pointer - 1;
    }
    [[nodiscard]] bool found_gil_held() const noexcept { return entered_at % 2 != 0; }

    PyObject *runner = nullptr;           // a Callback or a NativePlugin, borrowed
    std::uintptr_t entered_at = no_entry; // the host's stack pointer
    call_extras *extras = nullptr;
};

extern constinit thread_local call_context running [[gnu::tls_model("initial-exec")]];

// Gives the GIL away for a scope, unless the host's call came with it: for the host's code. With
// the GIL.
class gil_as_found {
public:
    gil_as_found() noexcept : state_(running.found_gil_held() ? nullptr : PyEval_SaveThread()) {}
    ~gil_as_found() {
        if (state_ != nullptr) {
            PyEval_RestoreThread(state_);
        }
    }
    gil_as_found(const gil_as_found &) = delete;
    gil_as_found &operator=(const gil_as_found &) = delete;

private:
    PyThreadState *state_;
};

// The extras of the scope that runs on this thread. With the GIL.
call_extras &extras_of_this_call();

} // namespace epy
