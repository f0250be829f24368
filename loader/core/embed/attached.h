// How each function of epy.h runs in Python: on a stack with room, with the GIL, for a plugin or
// for none, whatever exception the caller has set. An exception is the thread's last error.
#pragma once

#include <optional>

#include "loader/core/call/scope.h"
#include "loader/core/host/raised.h"
#include "loader/core/noted_error.h"
#include "loader/core/state.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/threads.h"
#include "loader/core/thread/unwinding.h"
#include "loader/core/values/handles.h"
#include "loader/fp_environment.h"

namespace epy {

// The NativePlugin of the loader's, borrowed; null with an exception.
PyObject *native_of(module_state &, plugin *);

// The object in the host's hands: a new reference, or null with epy.InvalidHandleError.
ref object_at(const module_state &, const epy_object *);

// A new reference of the host's to an object, which belongs to no plugin; null with an exception.
epy_object *given_to_host(module_state &, ref object);

// Of a call that found no Python, and of one that has raised.
void note_missing_python(const attachment &, const char *function) noexcept;
void note_failure(PyObject *whose, const char *function) noexcept;

template <typename Result, typename Work>
void run_in_python(const attachment &python, plugin *whose, const char *function, Result &result,
                   Work work) noexcept {
    const exception_set_aside callers;
    module_state &state = *state_of_plugins;
    PyObject *native = nullptr;
    const bool is_known = run_python([&] {
        state.handles->collect();
        native = whose == nullptr ? running_plugin(state) : native_of(state, whose);
        return whose == nullptr || native != nullptr;
    });
    const ref alive = ref::borrowed(native);
    {
        const plugin_scope now(native, python.found());
        if (is_known) {
            result = run_python([&] { return work(state); });
        }
    }
    if (PyErr_Occurred() != nullptr) {
        note_failure(native, function);
    }
}

// `work(module_state &)` gives the result. `whose`: as code of that plugin, or of whichever runs.
template <typename Result, typename Work>
Result attached(const char *function, plugin *whose, Result failure, Work work) noexcept {
    Result result = failure;
    run_with_plenty_of_stack([&] {
        const fp_environment floating_point;
        const attachment python;
        if (!python || state_of_plugins == nullptr) {
            note_missing_python(python, function);
            return;
        }
        run_in_python(python, whose, function, result, work);
    });
    return result;
}

} // namespace epy
