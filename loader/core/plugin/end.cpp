#include "loader/core/plugin/end.h"

#include <atomic>

#include "loader/core/call/callback.h"
#include "loader/core/package.h"
#include "loader/core/plugin/collector.h"
#include "loader/core/plugin/own_interpreter.h"
#include "loader/core/thread/sub_interpreter.h"
#include "loader/core/thread/threads.h"

namespace epy {

namespace {

void (*tell_loader)() noexcept = nullptr;
std::atomic<bool> is_leaving = false;

// Nothing of Python's is left, nor is the GIL. interpreter_is_gone has run: it is registered first.
void python_is_gone() noexcept {
    forget_callbacks();
    if (tell_loader != nullptr) {
        tell_loader();
    }
}

// The host may have cleared its exit functions (atexit._clear()), and its last ones may call.
void interpreter_is_gone(PyObject * /*capsule*/) noexcept {
    if (cpython::is_finalizing()) {
        stop_attaching();
    }
}

} // namespace

bool follow_interpreter() {
    constexpr const char *key = "epy";
    PyObject *const dies_with_interpreter = PyInterpreterState_GetDict(PyInterpreterState_Main());
    if (dies_with_interpreter == nullptr) {
        PyErr_NoMemory();
        return false;
    }
    if (PyDict_GetItemString(dies_with_interpreter, key) != nullptr) {
        return true;
    }
    const ref last(PyCapsule_New(&is_leaving, nullptr, interpreter_is_gone));
    if (!last || PyDict_SetItemString(dies_with_interpreter, key, last.get()) != 0) {
        return false;
    }
    static_cast<void>(Py_AtExit(python_is_gone)); // others may have taken its 32 places
    return true;
}

void follow_end(const core_options &options) {
    tell_loader = options.python_is_gone;
    complain_of_end = options.complain_of_end;
    if (!package::call(package::follow_end, {})) {
        PyErr_WriteUnraisable(nullptr);
    }
}

PyObject *end_of_calls(PyObject *module, PyObject *) {
    if (is_leaving) {
        Py_RETURN_NONE;
    }
    if (sub_interpreter *other = state_of(module).interpreter) {
        other->end();
    } else {
        end_own_interpreters(attachment::current_state());
        stop_attaching();
        wait_for_calls_inside();
        keep_no_longer();
    }
    Py_RETURN_NONE;
}

calls_go_on::calls_go_on() noexcept { is_leaving = true; }
calls_go_on::~calls_go_on() { is_leaving = false; }

} // namespace epy
