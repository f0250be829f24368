#include "loader/core/values/misfit.h"

namespace epy {

namespace {

// The value's repr, or its type if that raises.
ref shown(PyObject *value) {
    ref text(PyObject_Repr(value));
    if (!text) {
        PyErr_Clear();
        text = ref(PyUnicode_FromFormat("an instance of %s", Py_TYPE(value)->tp_name));
    }
    return text;
}

} // namespace

bool does_not_fit(PyObject *value, const char *c_type) {
    const ref text = shown(value);
    PyErr_Format(PyExc_OverflowError, "%V does not fit the C type %s", text.get(), "?", c_type);
    return false;
}

bool wrong_type(PyObject *value, const char *expected, const char *reason) {
    const ref text = shown(value);
    const char *format = *reason == '\0' ? "expected %s, got %V" : "expected %s, got %V (%s)";
    PyErr_Format(PyExc_TypeError, format, expected, text.get(), "?", reason);
    return false;
}

} // namespace epy
