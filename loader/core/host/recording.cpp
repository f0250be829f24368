#include "loader/core/host/recording.h"

#include "loader/core/host/kept_gil.h"

namespace epy {

// Around what the call itself has raised.
PyObject *recording::raise_again(PyObject *result) {
    const ref exception = std::move(extras_.first_exception);
    const Py_ssize_t more = extras_.more_exceptions;
    PyObject *kind = nullptr;
    PyObject *own = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&kind, &own, &traceback);
    PyErr_NormalizeException(&kind, &own, &traceback);
    if (own != nullptr && own != exception.get()) {
        PyException_SetContext(exception.get(), Py_NewRef(own));
    }
    if (more > 0) {
        const ref noted(
            PyObject_CallMethod(exception.get(), "add_note", "N",
                                PyUnicode_FromFormat("%zd more exception%s of callbacks followed",
                                                     more, more == 1 ? "" : "s")));
    }
    PyObject_SetAttrString(exception.get(), "epy_result", result == nullptr ? Py_None : result);
    PyErr_Clear(); // an exception that takes neither is still the one to raise
    PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception.get())), exception.get());
    Py_XDECREF(kind);
    Py_XDECREF(own);
    Py_XDECREF(traceback);
    return nullptr;
}

PyObject *call_recording(PyObject *module, PyObject *const *arguments, Py_ssize_t count,
                         PyObject *names) {
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "epy.call takes a function, then its arguments");
        return nullptr;
    }
    recording now;
    return now.outcome(ref(call_as_found(module, arguments, count, names)));
}

} // namespace epy
