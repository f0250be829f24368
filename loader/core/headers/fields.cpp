// Structs and unions of headers: their fields take Python values, and a misspelt one is an error.
#include "loader/core/attribute.h"
#include "loader/core/guarded.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/stored_parts.h"
#include "loader/core/package.h"

#include <cstdint>

namespace epy {

namespace {

// By a script: what epy has put into the class.
void was_changed(PyObject *self) {
    PyErr_Format(PyExc_TypeError, "the attributes of %R were changed", type_of_object(self));
}

// The names of a struct's fields.
ref names_of(const header_types &types, PyObject *self) {
    ref names = attribute_of_class(self, types.name.names);
    if (names && !PyTuple_Check(names.get())) {
        was_changed(self);
        return {};
    }
    return names;
}

// What one of the dicts of a struct's class has for a field: borrowed, of the class. Null if
// nothing.
PyObject *of_field(PyObject *self, PyObject *dict_name, PyObject *field) {
    const ref dict = attribute_of_class(self, dict_name);
    if (dict && !PyDict_Check(dict.get())) {
        was_changed(self);
        return nullptr;
    }
    return dict ? PyDict_GetItemWithError(dict.get(), field) : nullptr;
}

// The class of a field that is no function pointer (whose class would make a cycle that ctypes
// hides from the collector), made at first need.
ref class_of_field(const header_types &types, PyObject *self, PyObject *name,
                   header_classes *classes, PyObject *kind) {
    const ref known = attribute_of_class(self, types.name.made);
    if (known && !PyDict_Check(known.get())) {
        was_changed(self);
        return {};
    }
    PyObject *found = known ? PyDict_GetItemWithError(known.get(), name) : nullptr;
    if (found != nullptr || PyErr_Occurred() != nullptr) {
        return ref::borrowed(found);
    }
    ref made = class_of_kind(types, classes, kind);
    return made && PyDict_SetItem(known.get(), name, made.get()) == 0 ? std::move(made) : ref();
}

// Where the field lies in the struct. False with a Python exception.
bool find_place(PyObject *self, PyObject *name, std::uintptr_t &place) {
    const ref field(PyObject_GetAttr(type_of_object(self), name));
    const ref offset(field ? PyObject_GetAttrString(field.get(), "offset") : nullptr);
    const Py_ssize_t bytes = offset ? PyLong_AsSsize_t(offset.get()) : -1;
    void *start = bytes < 0 ? nullptr : place_of(self);
    place = reinterpret_cast<std::uintptr_t>(start) + static_cast<std::uintptr_t>(bytes);
    return start != nullptr;
}

// As what is stored: `made` of `value`, but for a null pointer in place of another.
ref with_null(const header_types &types, PyObject *value, PyObject *ctype, std::uintptr_t place,
              ref made) {
    if (value != Py_None || !made || !is_pointer_class(types, ctype)) {
        return made;
    }
    return *reinterpret_cast<void **>(place) == nullptr ? std::move(made)
                                                        : null_pointer(types, ctype);
}

ref converted(const header_types &types, PyObject *self, PyObject *name, PyObject *value,
              header_classes *classes, PyObject *kind, storing &where, std::uintptr_t &place) {
    if (!find_keeper(types, self, where.kept)) {
        return {};
    }
    ref ctype;
    ref made;
    if (PyObject *function = of_field(self, types.name.functions, name)) {
        ctype = ref::borrowed(types.function);
        made = stored_function(types, ctype.get(), value, where, classes, function);
    } else {
        ctype =
            PyErr_Occurred() == nullptr ? class_of_field(types, self, name, classes, kind) : ref();
        made = ctype ? stored(types, ctype.get(), value, where) : ref();
    }
    if (!made || (where.kept == nullptr && value != Py_None)) {
        return made;
    }
    if (!find_place(self, name, place)) {
        return {};
    }
    return with_null(types, value, ctype.get(), place, std::move(made));
}

int set_field(const header_types &types, PyObject *self, PyObject *name, PyObject *value,
              PyObject *kind) {
    header_classes *classes = classes_of(types, type_of_object(self));
    if (classes == nullptr) {
        return -1;
    }
    storing where;
    std::uintptr_t place = 0;
    const ref made = converted(types, self, name, value, classes, kind, where, place);
    if (made && PyObject_GenericSetAttr(self, name, made.get()) == 0) {
        keep_at(place, size_of_stored(types, made.get()), where);
        return 0;
    }
    if (misfit_is_set()) {
        ref reason = taken_exception();
        const ref ctype = class_of_kind(types, classes, kind);
        if (ctype) {
            raise_misfit(package::misfit_of_field, {type_of_object(self), name, ctype.get(), value},
                         std::move(reason));
        }
    }
    return -1;
}

int set(PyObject *self, PyObject *name, PyObject *value) {
    if (value == nullptr || !PyUnicode_Check(name)) {
        return PyObject_GenericSetAttr(self, name, value);
    }
    const header_types &types = headers_of(Py_TYPE(self));
    if (PyObject *kind = of_field(self, types.name.types, name)) {
        return set_field(types, self, name, value, kind);
    }
    if (PyErr_Occurred() != nullptr) {
        return -1;
    }
    if (PyObject_HasAttr(type_of_object(self), name) != 0) { // of a subclass, or ctypes' own
        return PyObject_GenericSetAttr(self, name, value);
    }
    raise_misfit(package::unknown_field, {type_of_object(self)}, ref::borrowed(name));
    return -1;
}

PyObject *get(PyObject *self, PyObject *name) {
    if (!PyUnicode_Check(name) || is_special(name)) {
        return PyObject_GenericGetAttr(self, name);
    }
    ref found = if_any(PyObject_GenericGetAttr(self, name));
    if (!found && PyErr_Occurred() == nullptr) {
        raise_misfit(package::unknown_field, {type_of_object(self)}, ref::borrowed(name));
    }
    return found.release();
}

int set_members(const header_types &types, PyObject *self, PyObject *values, PyObject *named) {
    const Py_ssize_t count = PyTuple_GET_SIZE(values);
    const ref names = count == 0 ? ref() : names_of(types, self);
    if (count != 0 && !names) {
        return -1;
    }
    if (names && count > PyTuple_GET_SIZE(names.get())) {
        raise_misfit(package::too_many_values, {type_of_object(self)},
                     ref(PyLong_FromSsize_t(count)));
        return -1;
    }
    for (Py_ssize_t index = 0; index < count; ++index) {
        PyObject *name = PyTuple_GET_ITEM(names.get(), index);
        if (named != nullptr && PyDict_Contains(named, name) == 1) {
            raise_misfit(package::given_twice, {type_of_object(self)}, ref::borrowed(name));
            return -1;
        }
        if (PyObject_SetAttr(self, name, PyTuple_GET_ITEM(values, index)) != 0) {
            return -1;
        }
    }
    PyObject *name = nullptr;
    PyObject *value = nullptr;
    for (Py_ssize_t at = 0; named != nullptr && PyDict_Next(named, &at, &name, &value) != 0;) {
        if (PyObject_SetAttr(self, name, value) != 0) {
            return -1;
        }
    }
    return 0;
}

int initialize(PyObject *self, PyObject *values, PyObject *named) {
    const header_types &types = headers_of(Py_TYPE(self));
    return complete(types, type_of_object(self)) ? set_members(types, self, values, named) : -1;
}

PyObject *represent(PyObject *self) {
    const header_types &types = headers_of(Py_TYPE(self));
    const ref names = names_of(types, self);
    const ref parts(names ? PyList_New(0) : nullptr);
    for (Py_ssize_t index = 0; parts && index < PyTuple_GET_SIZE(names.get()); ++index) {
        PyObject *name = PyTuple_GET_ITEM(names.get(), index);
        const ref value(PyObject_GetAttr(self, name));
        const ref part(value ? PyUnicode_FromFormat("%U=%R", name, value.get()) : nullptr);
        if (!part || PyList_Append(parts.get(), part.get()) != 0) {
            return nullptr;
        }
    }
    const ref comma(PyUnicode_FromString(", "));
    const ref all(parts && comma ? PyUnicode_Join(comma.get(), parts.get()) : nullptr);
    const ref name(all ? PyObject_GetAttrString(type_of_object(self), "__name__") : nullptr);
    return name ? PyUnicode_FromFormat("%U(%U)", name.get(), all.get()) : nullptr;
}

// As an argument by value.
PyObject *argument(PyObject *cls, PyObject *value) {
    if (PyTuple_Check(value) || PyDict_Check(value)) {
        const lasting_callbacks these;
        return stored_struct(cls, value).release();
    }
    const header_types &types = headers_of(reinterpret_cast<PyTypeObject *>(cls));
    if (is_a(value, types.core->by_reference)) { // at which ctypes crashes (CPython 3.11 to 3.13)
        PyErr_Format(PyExc_TypeError, "expected %s, got a pointer: pass the object itself",
                     reinterpret_cast<PyTypeObject *>(cls)->tp_name);
        return nullptr;
    }
    const ref native(PyObject_GetAttrString(type_of_object(cls), "from_param"));
    return native ? PyObject_CallFunctionObjArgs(native.get(), cls, value, nullptr) : nullptr;
}

PyMethodDef fields_methods[] = {
    {"from_param", guarded<argument>, METH_O | METH_CLASS, "A value as an argument of a function."},
    {},
};

PyType_Slot fields_slots[] = {
    {Py_tp_doc, const_cast<char *>("Base of the structs and unions of headers.")},
    {Py_tp_init, slot<initialize>()},
    {Py_tp_getattro, slot<get>()},
    {Py_tp_setattro, slot<set>()},
    {Py_tp_repr, slot<represent>()},
    {Py_tp_methods, fields_methods},
    {0, nullptr},
};

} // namespace

PyType_Spec fields_spec = {
    "epy._core.Fields", sizeof(PyObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, fields_slots};

} // namespace epy
