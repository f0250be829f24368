#include "loader/core/embed/raise.h"

#include <cerrno>
#include <cstring>

#include "loader/core/embed/attached.h"
#include "loader/core/package.h"

namespace epy::embed {

namespace {

// What callbacks have raised below the call that C is in, if epy.call or a header will raise it.
call_extras *recorded_below() noexcept {
    call_extras *extras = running.extras;
    return running_c_call.depth != 0 && extras != nullptr && extras->recording ? extras : nullptr;
}

// In place of what C or a callback has raised before; the latter is told with it.
void raise_in_caller(PyObject *exception, call_extras *below) {
    if (running_c_call.depth == 0) {
        return;
    }
    if (below != nullptr && below->first_exception) {
        ref first = std::move(below->first_exception);
        below->more_exceptions = 0;
        if (first.get() != exception) {
            PyException_SetContext(exception, first.release());
        }
    }
    const ref former(std::exchange(running_c_call.raised, Py_NewRef(exception)));
}

// `make` gives the exception, or sets one that says why not: then that is raised, because C has
// found something wrong.
template <typename Make> int raise_made(const char *function, Make make) noexcept {
    call_extras *below = recorded_below();
    return attached(function, nullptr, -1, [&](module_state &state) {
        ref exception = make(state);
        if (!exception) {
            exception = taken_exception();
        }
        if (exception) {
            raise_in_caller(exception.get(), below);
            PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception.get())),
                            exception.get());
        }
        return -1;
    });
}

} // namespace

int raise(const char *type, const char *message) noexcept {
    return raise_made("epy_raise", [=](module_state &state) {
        PyObject *native = running_plugin(state);
        const ref name(
            PyUnicode_DecodeUTF8(type, static_cast<Py_ssize_t>(std::strlen(type)), "replace"));
        const ref kind = name ? package::call(package::find_exception,
                                              {native == nullptr ? Py_None : native, name.get()})
                              : ref();
        const ref text(kind ? PyUnicode_DecodeUTF8(
                                  message, static_cast<Py_ssize_t>(std::strlen(message)), "replace")
                            : nullptr);
        return ref(text ? PyObject_CallOneArg(kind.get(), text.get()) : nullptr);
    });
}

int raise_errno(int number, const char *file) noexcept {
    return raise_made("epy_raise_errno", [=](module_state &) {
        errno = number;
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, file);
        return taken_exception();
    });
}

int raise_again() noexcept {
    return raise_made("epy_raise_again", [](module_state &) {
        if (running_c_call.failure == nullptr) {
            PyErr_SetString(PyExc_RuntimeError,
                            "no function of epy.h has failed in this call of a C function");
        }
        return ref::borrowed(running_c_call.failure);
    });
}

void clear_raised() noexcept {
    call_extras *below = recorded_below();
    if (running_c_call.raised == nullptr && running_c_call.failure == nullptr &&
        (below == nullptr || !below->first_exception)) {
        return;
    }
    attached("epy_clear_error", nullptr, 0, [=](module_state &) {
        const ref raised(std::exchange(running_c_call.raised, nullptr));
        const ref failure(std::exchange(running_c_call.failure, nullptr));
        if (below != nullptr) {
            const ref first = std::move(below->first_exception);
            below->more_exceptions = 0;
        }
        return 0;
    });
}

} // namespace epy::embed
