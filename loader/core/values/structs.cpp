#include "loader/core/values/structs.h"

namespace epy {

namespace {

// ctypes takes any name.
bool check_names(PyObject *ctype, PyObject *fields) {
    PyObject *name = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(fields, &at, &name, nullptr) != 0;) {
        if (!PyUnicode_Check(name) || PyObject_HasAttr(ctype, name) == 0) {
            PyErr_Format(PyExc_TypeError, "%s has no field %R",
                         reinterpret_cast<PyTypeObject *>(ctype)->tp_name, name);
            return false;
        }
    }
    return true;
}

} // namespace

ref struct_from_python(PyObject *ctype, PyObject *fields) {
    if (PyTuple_Check(fields)) {
        return ref(PyObject_CallObject(ctype, fields));
    }
    const ref nothing(PyTuple_New(0));
    const ref named(PyDict_Copy(fields)); // the values may run Python code
    const bool checks_itself = PyObject_HasAttrString(ctype, "_epy_types_") != 0;
    return nothing && named && (checks_itself || check_names(ctype, named.get()))
               ? ref(PyObject_Call(ctype, nothing.get(), named.get()))
               : ref();
}

} // namespace epy
