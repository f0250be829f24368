#include "loader/core/embed/attached.h"

#include "loader/core/package.h"
#include "loader/core/thread/sub_interpreter.h"

namespace epy {

PyObject *native_of(module_state &state, plugin *handle) {
    const ref key(PyLong_FromVoidPtr(handle));
    PyObject *found = key ? PyDict_GetItemWithError(state.plugins, key.get()) : nullptr;
    if (found == nullptr && PyErr_Occurred() == nullptr) {
        PyErr_SetString(PyExc_RuntimeError,
                        sub_interpreter::of_plugin(handle) == nullptr
                            ? "the plugin was unloaded: dlopen it again"
                            : "the plugin has an interpreter of its own: call its exports");
    }
    return found;
}

ref object_at(const module_state &state, const epy_object *object) {
    handle_cell *const cell = state.handles->at(reinterpret_cast<std::uintptr_t>(object));
    if (cell != nullptr) {
        return ref::borrowed(cell->object);
    }
    if (const ref kind = package::take(package::handle_error)) {
        PyErr_Format(kind.get(),
                     object == nullptr
                         ? "NULL is no object"
                         : "%p is no live object: keep a reference as long as it is used",
                     static_cast<const void *>(object));
    }
    return {};
}

epy_object *given_to_host(module_state &state, ref object) {
    return object ? reinterpret_cast<epy_object *>(state.handles->give(object.get(), nullptr))
                  : nullptr;
}

void note_missing_python(const attachment &python, const char *function) noexcept {
    if (host != nullptr) {
        error_text error;
        error.type = python.is_out_of_memory() ? "MemoryError" : "epy.Error";
        error.message = python.is_out_of_memory() ? "" : "Python was finalized by the host";
        error.function = function;
        error.classes = python.is_out_of_memory()
                            ? "MemoryError\nException\nBaseException\nobject\n"
                            : "epy.Error\nException\nBaseException\nobject\n";
        host->set_error(error);
    }
}

// A C function that Python called may raise it again.
void note_failure(PyObject *native, const char *function) noexcept {
    ref exception = taken_exception();
    run_python([&] {
        const ref path(native == nullptr ? nullptr : PyObject_GetAttrString(native, "path"));
        const char *text = path ? PyUnicode_AsUTF8(path.get()) : nullptr;
        PyErr_Clear();
        note_error(exception.get(), text, function, nullptr, nullptr);
        if (running_c_call.depth != 0) {
            const ref former(std::exchange(running_c_call.failure, exception.release()));
        }
    });
}

} // namespace epy
