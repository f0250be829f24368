#include "loader/core/headers/misfits.h"

#include <cstdarg>

#include "loader/core/thread/threads.h"

namespace epy {

ref misfit(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyErr_FormatV(PyExc_ValueError, format, arguments);
    va_end(arguments);
    return {};
}

ref misfit_if(std::initializer_list<PyObject *> refusals) {
    for (PyObject *refusal : refusals) {
        if (PyErr_ExceptionMatches(refusal) != 0) {
            PyErr_Clear();
            return misfit();
        }
    }
    return {};
}

bool misfit_is_set() {
    for (PyObject *kind : {PyExc_TypeError, PyExc_ValueError, PyExc_OverflowError}) {
        if (PyErr_ExceptionMatches(kind) != 0) {
            const exception_set_aside aside;
            const ref field_error = package::take(package::field_error);
            PyErr_Clear();
            return !field_error ||
                   PyErr_GivenExceptionMatches(aside.kind(), field_error.get()) == 0;
        }
    }
    return false;
}

void raise_misfit(const package::name &function, std::initializer_list<PyObject *> arguments,
                  ref reason) {
    const ref maker = package::take(function);
    const ref all(maker ? PyTuple_New(static_cast<Py_ssize_t>(arguments.size()) + 1) : nullptr);
    if (!all) {
        return;
    }
    Py_ssize_t index = 0;
    for (PyObject *argument : arguments) {
        PyTuple_SET_ITEM(all.get(), index++, Py_NewRef(argument));
    }
    PyTuple_SET_ITEM(all.get(), index, reason ? reason.release() : Py_NewRef(Py_None));
    const ref made(PyObject_CallObject(maker.get(), all.get()));
    if (made) {
        PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(made.get())), made.get());
    }
}

} // namespace epy
