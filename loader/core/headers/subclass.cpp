#include "loader/core/headers/subclass.h"

#include <iterator>

#include "loader/core/headers/definitions.h"

namespace epy {

ref simple_class(const header_types &types, PyObject *name) {
    ref found(PyObject_GetItem(types.simple_types, name));
    if (!found && PyErr_ExceptionMatches(PyExc_KeyError) != 0) {
        PyErr_Clear();
        header_name_error("'%S' is no type: run `epy build` again", name);
    }
    return found;
}

ref simple_class(const header_types &types, const char *name) {
    return ref(PyMapping_GetItemString(types.simple_types, name));
}

ref attribute_if_any(PyObject *type, PyObject *name) {
    ref found(PyObject_GetAttr(type, name));
    if (!found) {
        PyErr_Clear();
    }
    return found;
}

ref subclass(const header_types &types, header_classes *self, PyObject *name,
             std::initializer_list<PyObject *> bases, const ref &body, PyObject *metaclass) {
    const ref all(PyTuple_New(static_cast<Py_ssize_t>(bases.size())));
    if (!body || !all ||
        PyDict_SetItem(body.get(), types.name.classes, reinterpret_cast<PyObject *>(self)) != 0 ||
        PyDict_SetItem(body.get(), types.name.module, self->module) != 0) {
        return {};
    }
    Py_ssize_t index = 0;
    for (PyObject *base : bases) {
        PyTuple_SET_ITEM(all.get(), index++, Py_NewRef(base));
    }
    if (metaclass == nullptr) {
        metaclass = reinterpret_cast<PyObject *>(Py_TYPE(*std::prev(bases.end())));
    }
    return ref(PyObject_CallFunctionObjArgs(metaclass, name, all.get(), body.get(), nullptr));
}

ref name_like(PyObject *type, const char *format, Py_ssize_t number) {
    const ref name(PyObject_GetAttrString(type, "__name__"));
    return name ? ref(PyUnicode_FromFormat(format, name.get(), number)) : ref();
}

} // namespace epy
