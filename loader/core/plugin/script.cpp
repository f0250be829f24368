#include "loader/core/plugin/script.h"

#include <vector>

#include "loader/core/call/callback.h"
#include "loader/core/call/scope.h"
#include "loader/core/plugin/collector.h"
#include "loader/core/plugin/native_plugin.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"

namespace epy {

namespace {

// Where Python code may run no reference of ours stands below: a Python that finalizes ends this
// thread there, by unwinding, and what it unwound would touch objects without the GIL.

ref core_module_object() {
    return ref(run_python([] { return package::import("epy._core").release(); }));
}

// What epy/_plugin.py answers.
enum class started { failed, ready, interrupted, no_memory };

started answer_of(PyObject *answer, const char *path) {
    if (answer != nullptr) {
        return static_cast<started>(PyLong_AsLong(answer));
    }
    const bool ran_out = PyErr_ExceptionMatches(PyExc_MemoryError) != 0 ||
                         PyErr_ExceptionMatches(PyExc_RuntimeError) != 0 || // for a lock
                         PyErr_ExceptionMatches(PyExc_SystemError) != 0;    // it was not said
    if (!ran_out) {
        print_exception();
        return started::failed;
    }
    PyErr_Clear(); // to print it takes memory
    say(log_level::error, "epy: %s: out of memory at its start; the next call tries again", path);
    return started::no_memory;
}

loaded outcome_of(started answer) {
    return answer == started::ready       ? loaded::ready
           : answer == started::no_memory ? loaded::no_memory
                                          : loaded::failed;
}

void flush(const char *stream) {
    PyObject *file = PySys_GetObject(stream);
    if (file != nullptr && file != Py_None) {
        const ref done(PyObject_CallMethod(file, "flush", nullptr));
        PyErr_Clear(); // a closed pipe at exit is nobody's business
    }
}

} // namespace

ref call_package(const package::name &wanted, PyObject *argument) {
    const ref function(run_python([&] { return package::take(wanted).release(); }));
    return ref(!function ? nullptr : run_python([&] {
        return PyObject_CallFunctionObjArgs(function.get(), argument, nullptr);
    }));
}

void print_exception() {
    if (PyErr_Occurred() != nullptr) {
        run_python([] { PyErr_WriteUnraisable(nullptr); });
    }
}

loaded start_script(const plugin_view &view, found_gil found) {
    const ref module = core_module_object();
    if (!module) {
        view.services->release(view.handle);
        return outcome_of(answer_of(nullptr, view.path));
    }
    module_state &state = state_of(module.get());
    const ref key(PyLong_FromVoidPtr(view.handle));
    const ref native(new_native_plugin(state, view));
    if (!key || !native || PyDict_SetItem(state.plugins, key.get(), native.get()) != 0) {
        return outcome_of(answer_of(nullptr, view.path));
    }
    started answer = started::failed;
    {
        const plugin_scope now(native.get(), found);
        const patient_collector collector;
        answer = answer_of(call_package(package::load, native.get()).get(), view.path);
    }
    close_archive(native.get());
    if (answer != started::ready) {
        PyDict_DelItem(state.plugins, key.get());
    }
    if (answer == started::interrupted) {
        PyErr_SetInterrupt(); // Ctrl-C: it strikes when the host's Python goes on
    }
    return outcome_of(answer);
}

void leave_interpreter() {
    const ref done = call_package(package::leave_process, nullptr);
    print_exception();
    flush("stdout");
    flush("stderr");
}

void end_script(plugin *handle, found_gil found) {
    const ref module = core_module_object();
    const ref key(PyLong_FromVoidPtr(handle));
    if (module && key) {
        module_state &state = state_of(module.get());
        const ref native = ref::borrowed(PyDict_GetItemWithError(state.plugins, key.get()));
        if (native) {
            const plugin_scope now(native.get(), found);
            const ref done = call_package(package::unload, native.get());
            print_exception();
            run_python([&] {
                std::vector<ref> held; // let go at the end: that may drop further callbacks
                forget_dropped_callbacks(state, native.get(), held);
            });
            print_exception();
            run_python([&] { PyDict_DelItem(state.plugins, key.get()); });
        }
    }
    print_exception();
}

} // namespace epy
