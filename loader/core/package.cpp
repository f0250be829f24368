#include "loader/core/package.h"

namespace epy::package {

ref take(const name &wanted) {
    const ref module(PyImport_ImportModule(wanted.module));
    return module ? ref(PyObject_GetAttrString(module.get(), wanted.attribute)) : ref();
}

ref take_if_imported(const name &wanted) {
    const ref text(PyUnicode_FromString(wanted.module));
    const ref module(text ? PyImport_GetModule(text.get()) : nullptr);
    ref found(module ? PyObject_GetAttrString(module.get(), wanted.attribute) : nullptr);
    PyErr_Clear();
    return found;
}

ref call(const name &wanted, std::initializer_list<PyObject *> arguments) {
    const ref callable = take(wanted);
    return callable ? ref(PyObject_Vectorcall(callable.get(), arguments.begin(), arguments.size(),
                                              nullptr))
                    : ref();
}

void raise(const name &wanted, const char *format, std::va_list arguments) {
    if (const ref kind = take(wanted)) {
        PyErr_FormatV(kind.get(), format, arguments);
    }
}

} // namespace epy::package
