#include "loader/core/values/does_not_fit.h"

#include <cstdarg>

#include "loader/core/package.h"

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

void raise(const package::name &kind, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    package::raise(kind, format, arguments);
    va_end(arguments);
}

} // namespace

bool does_not_fit(PyObject *value, const char *c_type, const char *remedy) {
    const ref text = shown(value);
    raise(package::range_error, "%V does not fit the C type %s: %s", text.get(), "?", c_type,
          remedy);
    return false;
}

bool wrong_type(PyObject *value, const char *expected, const char *reason) {
    const ref text = shown(value);
    raise(package::misfit_error,
          *reason == '\0' ? "expected %s, got %V: give one, or declare another C type"
                          : "expected %s, got %V (%s): give one, or declare another C type",
          expected, text.get(), "?", reason);
    return false;
}

} // namespace epy
