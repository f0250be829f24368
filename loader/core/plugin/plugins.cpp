// The table that the loader calls: load, unload, exit. Python's side of each is in epy/_plugin.py.
#include <new>
#include <vector>

#include "loader/core/call/callback.h"
#include "loader/core/call/scope.h"
#include "loader/core/package.h"
#include "loader/core/plugin/collector.h"
#include "loader/core/plugin/end.h"
#include "loader/core/plugin/module_init.h"
#include "loader/core/plugin/native_plugin.h"
#include "loader/core/thread/patient_attachment.h"
#include "loader/core/thread/python_stack.h"
#include "loader/core/thread/stack.h"
#include "loader/core/thread/threads.h"
#include "loader/core/thread/unwinding.h"
#include "loader/log.h"

namespace epy {

namespace {

// Where Python code may run no reference of ours stands below: a Python that finalizes ends this
// thread there, by unwinding, and what it unwound would touch objects without the GIL.

ref import(const char *name) {
    return ref(run_python([name] { return PyImport_ImportModule(name); }));
}

// The module of the interpreter that plugins share.
ref core_module_object() { return import("epy._core"); }

// With the argument, or nothing.
ref call_package(const package::name &wanted, PyObject *argument) {
    const ref function(run_python([&] { return package::take(wanted).release(); }));
    return ref(!function ? nullptr : run_python([&] {
        return PyObject_CallFunctionObjArgs(function.get(), argument, nullptr);
    }));
}

// Work that the loader asks for: nothing may get out to it.
template <typename Work> void run_for_loader(Work work) noexcept {
    run_with_plenty_of_stack([&] {
        try {
            work();
        } catch (const std::bad_alloc &) {
            say(log_level::error, "epy: out of memory while a plugin starts or ends");
        }
    });
}

void print_exception() {
    if (PyErr_Occurred() != nullptr) {
        run_python([] { PyErr_WriteUnraisable(nullptr); });
    }
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

loaded load_here(const plugin_view *view) {
    const patient_attachment python(view->path);
    const python_stack stack(python.state());
    if (!python) {
        view->services->release(view->handle);
        if (python.is_out_of_memory()) {
            throw std::bad_alloc();
        }
        return loaded::failed;
    }
    const exception_set_aside callers;
    const ref module = core_module_object();
    if (!module) {
        view->services->release(view->handle);
        return outcome_of(answer_of(nullptr, view->path));
    }
    module_state &state = state_of(module.get());
    const ref key(PyLong_FromVoidPtr(view->handle));
    const ref native(new_native_plugin(state, *view));
    if (!key || !native || PyDict_SetItem(state.plugins, key.get(), native.get()) != 0) {
        return outcome_of(answer_of(nullptr, view->path));
    }
    started answer = started::failed;
    {
        const plugin_scope now(native.get(), python.found());
        const patient_collector collector;
        answer = answer_of(call_package(package::load, native.get()).get(), view->path);
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

loaded load(const plugin_view *view) noexcept {
    loaded outcome = loaded::no_memory;
    run_for_loader([&] { outcome = load_here(view); });
    return outcome;
}

void unload_here(plugin *handle) {
    const urgency soon;
    const attachment python;
    const python_stack stack(python.state());
    if (!python) {
        return;
    }
    const ref module = core_module_object();
    const ref key(PyLong_FromVoidPtr(handle));
    if (module && key) {
        module_state &state = state_of(module.get());
        const ref native = ref::borrowed(PyDict_GetItemWithError(state.plugins, key.get()));
        if (native) {
            const plugin_scope now(native.get(), python.found());
            const ref done = call_package(package::unload, native.get());
            print_exception();
            run_python([&] {
                std::vector<ref> held; // let go at the end: that may drop further callbacks
                forget_dropped_callbacks(native.get(), held);
            });
            print_exception();
            run_python([&] { PyDict_DelItem(state.plugins, key.get()); });
        }
    }
    print_exception();
}

void unload(plugin *handle) noexcept {
    run_for_loader([&] { unload_here(handle); });
}

std::uintptr_t awaited_here(std::uintptr_t thread) {
    const urgency soon;
    const attachment python;
    const python_stack stack(python.state());
    if (!python) {
        return 0;
    }
    const ref number(PyLong_FromUnsignedLongLong(thread));
    const ref found = number ? call_package(package::awaited, number.get()) : ref();
    const std::uintptr_t awaited = found ? PyLong_AsUnsignedLongLong(found.get()) : 0;
    print_exception();
    return awaited;
}

std::uintptr_t awaited(std::uintptr_t thread) noexcept {
    std::uintptr_t found = 0;
    run_with_plenty_of_stack([&] { found = awaited_here(thread); });
    return found;
}

void flush(const char *stream) {
    PyObject *file = PySys_GetObject(stream);
    if (file != nullptr && file != Py_None) {
        const ref done(PyObject_CallMethod(file, "flush", nullptr));
        PyErr_Clear(); // a closed pipe at exit is nobody's business
    }
}

void exit_here() {
    const urgency soon;
    const attachment python;
    const python_stack stack(python.state());
    if (!python) {
        return;
    }
    {
        const calls_go_on until_then;
        const ref done = call_package(package::leave_process, nullptr);
    }
    print_exception();
    flush("stdout");
    flush("stderr");
}

void at_exit() noexcept { run_for_loader(exit_here); }

void with_gil(void (*work)(void *), void *argument) noexcept {
    const urgency soon;
    const attachment python;
    work(argument);
}

template <typename Attachment>
bool call_loading(const Attachment &python, const package::name &wanted, unsigned long thread) {
    const python_stack stack(python.state());
    if (!python) {
        return false;
    }
    const exception_set_aside callers;
    const ref number(PyLong_FromUnsignedLong(thread));
    const bool done = number && call_package(wanted, number.get()).get() == Py_True;
    print_exception();
    return done;
}

bool reserve_loading(unsigned long thread) noexcept {
    bool done = false;
    run_for_loader([&] { done = call_loading(attachment(), package::reserve_loading, thread); });
    return done;
}

// By the thread that loads: it has the dynamic loader's lock, for which who has the GIL may wait.
void release_loading(unsigned long thread) noexcept {
    run_for_loader(
        [&] { call_loading(patient_attachment("dlopen"), package::release_loading, thread); });
}

} // namespace

// NOLINTNEXTLINE(cppcoreguidelines-interfaces-global-init): of the table only its address
const core_api the_core_api = {core_api_version, load,          unload,          module_init,
                               at_exit,          with_gil,      reserve_loading, release_loading,
                               awaited,          &the_embed_api};

} // namespace epy
