#include "loader/core/call/scope.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "loader/core/call/callback.h"
#include "loader/core/thread/open_scopes.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"

namespace epy {

PyObject *running_plugin(const module_state &state) noexcept {
    PyObject *runner = running.runner;
    if (runner != nullptr && Py_IS_TYPE(runner, state.callback_type)) {
        return reinterpret_cast<callback *>(runner)->plugin;
    }
    // Another interpreter's may run below this one.
    return runner != nullptr && Py_IS_TYPE(runner, state.plugin_type) ? runner : nullptr;
}

void drop_extras() noexcept {
    if (running.extras->views != nullptr) {
        run_python([] { end_views(*running.extras, running.runner); });
    }
    delete running.extras;
}

namespace {

const char *label_of_running() noexcept {
    const PyObject *runner = running.runner;
    const bool is_callback = runner != nullptr && Py_TYPE(runner)->tp_basicsize == sizeof(callback);
    const auto *native = is_callback ? reinterpret_cast<const callback *>(runner)->native : nullptr;
    return native == nullptr ? "a callback" : native->label;
}

[[noreturn]] void end_after_jump(const char *label) noexcept {
    say(log_level::error,
        "epy: %s was left by a jump (longjmp, a C++ exception) across Python, which cannot go on "
        "after that: let it `return epy.tail_call(function, ...)` with the function that jumps",
        label);
    std::abort();
}

} // namespace

void look_for_jump_at_end(bool holds_gil) noexcept {
    if (running.runner != nullptr && holds_gil) {
        end_after_jump(label_of_running());
    }
}

void left_by_exception() noexcept {
    say(log_level::error,
        "epy: a C++ exception crossed Python below %s, and Python cannot go on after that: catch "
        "it in the C++ function that Python calls",
        label_of_running());
    std::abort();
}

void complain_of_open_scope(scope_kind kind) noexcept {
    static std::atomic<bool> said = false;
    if (!said.exchange(true)) {
        const bool is_entered = kind == scope_kind::entered;
        say(log_level::error,
            "epy: a function that %s called returned inside of %s, which was ended for it: call %s "
            "before it returns",
            running.runner == nullptr ? "the host" : label_of_running(),
            is_entered ? "epy_enter" : "epy_pause", is_entered ? "epy_leave" : "epy_resume");
    }
}

void left_by_unwinding() noexcept {
    if (!cpython::is_finalizing()) {
        say(log_level::error,
            "epy: pthread_exit was called below %s, where a thread cannot end: it stays there, and "
            "who joins it waits for ever; let the function that Python calls return",
            label_of_running());
        if (attachment::holds_gil()) {
            PyEval_SaveThread();
        }
    }
    for (;;) {
        pause();
    }
}

void call_scope::look_for_jump(PyObject *runner) noexcept {
    // Greenlets share a stack in turns, and Python knows of it.
    if (PyDict_GetItemString(PyImport_GetModuleDict(), "greenlet") != nullptr) {
        return;
    }
    const ref label(PyObject_GetAttrString(runner, "label"));
    const ref plugin(PyObject_GetAttrString(runner, "plugin"));
    const ref path(plugin ? PyObject_GetAttrString(plugin.get(), "path") : nullptr);
    const ref text(label && path ? PyUnicode_FromFormat("%S of %S", label.get(), path.get())
                                 : nullptr);
    const char *name = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    end_after_jump(name == nullptr ? "a callback" : name);
}

} // namespace epy
