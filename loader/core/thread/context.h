// What runs on this thread, as values: call/scope.h sets them and puts them back.
#pragma once

#include <atomic>
#include <cstdint>

#include "loader/core/py.h"
#include "loader/core/thread/state_change.h"
#include "loader/core/thread/unwinding.h"

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
    static constexpr std::uintptr_t no_entry = UINTPTR_MAX - 3;

    // Stack pointers are multiples of four. How the GIL was found is what they lack of one: so it
    // costs nothing to keep in mind, and compares as before.
    static constexpr std::uintptr_t entry(std::uintptr_t stack_pointer, found_gil found) noexcept {
        return stack_pointer - static_cast<unsigned char>(found);
    }
    [[nodiscard]] std::uintptr_t stack_pointer() const noexcept {
        return (entered_at + 3) & ~std::uintptr_t{3};
    }
    [[nodiscard]] found_gil found() const noexcept {
        return static_cast<found_gil>(-entered_at % 4);
    }
    [[nodiscard]] bool found_gil_held() const noexcept { return entered_at % 2 != 0; }

    PyObject *runner = nullptr;           // a Callback or a NativePlugin, borrowed
    std::uintptr_t entered_at = no_entry; // `entry` of the host's stack pointer
    call_extras *extras = nullptr;
};

extern constinit thread_local call_context running [[gnu::tls_model("initial-exec")]];

// The host's code is over that ran without the GIL: PyEval_RestoreThread, unless it may have left
// this thread the GIL (restore.h).
inline constinit std::atomic<void (*)(PyThreadState *)> restore_after_host{&PyEval_RestoreThread};

// For the host's code, for a scope: gives the GIL away, unless the host's call came with it, and
// makes the interpreter current with which that came, or has PyGILState_Ensure lead there. With the
// GIL.
class gil_as_found {
public:
    gil_as_found() noexcept
        : found_(running.found()),
          state_(found_ == found_gil::free ? PyEval_SaveThread() : nullptr) {
        if (is_changed(found_)) {
            state_change::take_back();
        }
    }
    ~gil_as_found() {
        if (state_ != nullptr) {
            run_python([this] { restore_after_host.load(std::memory_order_acquire)(state_); });
        } else if (is_changed(found_)) {
            state_change::make_again();
        }
    }
    gil_as_found(const gil_as_found &) = delete;
    gil_as_found &operator=(const gil_as_found &) = delete;

private:
    const found_gil found_;
    PyThreadState *const state_;
};

// The extras of the scope that runs on this thread. With the GIL.
call_extras &extras_of_this_call();

} // namespace epy
