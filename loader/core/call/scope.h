// What runs on this thread: the scope of a call from the host, of a script's start, of an unload.
//
// A scope saves the thread's values and puts them back at its end. They are values and not a chain
// of scopes, because a Python program may change stacks inside a callback (greenlet copies them
// away): a chain would lead into memory that is something else by then.
#pragma once

#include <cerrno>
#include <cstdint>

#include "loader/core/state.h"
#include "loader/core/thread/context.h"

namespace epy {

// The scope ends: so do the views. Not without extras.
void drop_extras() noexcept;

// The NativePlugin whose callback or script runs on this thread: borrowed, null if none.
PyObject *running_plugin(const module_state &) noexcept;

class call_scope {
public:
    // `host_errno` is what the host shall see afterwards; `entered_at` where it called.
    call_scope(PyObject *runner, std::uintptr_t entered_at, int &host_errno) noexcept
        : outer_(running), host_errno_(host_errno) {
        if (outer_.entered_at <= entered_at) [[unlikely]] {
            look_for_jump(outer_.runner);
        }
        running = {runner, entered_at, nullptr};
    }
    ~call_scope() {
        if (running.extras != nullptr) [[unlikely]] {
            take_error_number();
            drop_extras();
        }
        running = outer_;
    }
    call_scope(const call_scope &) = delete;
    call_scope &operator=(const call_scope &) = delete;

    // What ran before.
    [[nodiscard]] const call_context &outer() const noexcept { return outer_; }

    // A stack pointer above that of a call still running: its frames are gone. Ends the process,
    // unless Python itself changes stacks. With the GIL.
    static void look_for_jump(PyObject *runner) noexcept;

private:
    void take_error_number() const noexcept {
        if (running.extras->error_number >= 0) {
            host_errno_ = running.extras->error_number;
        }
    }

    const call_context outer_;
    int &host_errno_;
};

// The same for what the host did not call: a script's start, an unload.
class plugin_scope {
public:
    plugin_scope(PyObject *native_plugin, found_gil found) noexcept : outer_(running) {
        running.entered_at = call_context::entry(outer_.stack_pointer(), found);
        running.runner = native_plugin;
        running.extras = nullptr;
    }
    ~plugin_scope() {
        if (running.extras != nullptr) {
            drop_extras();
        }
        running = outer_;
    }
    plugin_scope(const plugin_scope &) = delete;
    plugin_scope &operator=(const plugin_scope &) = delete;

private:
    const call_context outer_;
};

} // namespace epy
