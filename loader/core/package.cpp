#include "loader/core/package.h"

namespace epy::package {

namespace {

// No other thread is in the midst of it: the specification of such a module says so.
bool is_whole(PyObject *module) {
    PyObject *space = PyModule_Check(module) ? PyModule_GetDict(module) : nullptr;
    PyObject *spec = space == nullptr ? nullptr : PyDict_GetItemString(space, "__spec__");
    const ref says(spec == nullptr ? nullptr : PyObject_GenericGetDict(spec, nullptr));
    if (!says) {
        PyErr_Clear();
        return false;
    }
    PyObject *starts = PyDict_GetItemString(says.get(), "_initializing");
    return starts == nullptr || starts == Py_False;
}

} // namespace

ref import(const char *module) {
    PyObject *known = PyImport_GetModuleDict();
    PyObject *found = PyDict_GetItemString(known, module); // no code of Python's runs for that
    return found != nullptr && is_whole(found) ? ref::borrowed(found)
                                               : ref(PyImport_ImportModule(module));
}

ref take(const name &wanted) {
    const ref module = import(wanted.module);
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
