#include "loader/core/headers/pointer_fields.h"

#include <cstring>

#include "loader/core/attribute.h"
#include "loader/core/cpython.h"
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/values/instance_layout.h"
#include "loader/core/values/plain_values.h"

namespace epy {

namespace {

// What is known is an int: where in the struct, above its code.
constexpr int bits_of_code = 8;

// The fields that a class of pointers knows: name -> that, None for one that is not plain.
// Borrowed; null if it knows none.
PyObject *known_fields(const header_types &types, PyObject *pointer) {
    return PyDict_GetItemWithError(cpython::dict_of_type(type_of_object(pointer)).get(),
                                   types.name.places);
}

Py_ssize_t number(PyObject *object, const char *attribute) {
    const ref found(PyObject_GetAttrString(object, attribute));
    return found ? PyLong_AsSsize_t(found.get()) : -1;
}

// Of this byte order, with no class of its own.
bool is_plain(const header_types &types, PyObject *ctype, char code) {
    ref native;
    return code != '\0' && std::strchr("?bBhHiIlLqQfd", code) != nullptr &&
           reinterpret_cast<PyObject *>(reinterpret_cast<PyTypeObject *>(ctype)->tp_base) ==
               types.core->simple &&
           find_attribute(ctype, types.core->native_name, native) &&
           (!native || native.get() == ctype);
}

// None for one that is not plain. Empty with a Python exception.
ref place_of_field(const header_types &types, PyObject *target, PyObject *name) {
    const ref field(PyObject_GetAttr(target, name));
    const ref kinds(field ? PyObject_GetAttr(target, types.name.types) : nullptr);
    PyObject *const kind =
        kinds && PyDict_Check(kinds.get()) ? PyDict_GetItemWithError(kinds.get(), name) : nullptr;
    header_classes *const classes = kind == nullptr ? nullptr : classes_of(types, target);
    const ref ctype = classes == nullptr ? ref() : class_of_kind(types, classes, kind);
    const char code = ctype ? code_of(types, ctype.get()) : '\0';
    if (!ctype || !is_plain(types, ctype.get(), code)) {
        return PyErr_Occurred() == nullptr ? ref::borrowed(Py_None) : ref();
    }
    const ref whole(PyObject_CallOneArg(types.core->size_of, ctype.get()));
    const Py_ssize_t offset = whole ? number(field.get(), "offset") : -1;
    const Py_ssize_t size = offset < 0 ? -1 : number(field.get(), "size");
    if (size < 0) {
        return {};
    }
    return size == PyLong_AsSsize_t(whole.get()) // not some bits of it
               ? ref(PyLong_FromSsize_t(offset << bits_of_code | code))
               : ref::borrowed(Py_None);
}

} // namespace

PyObject *plain_field(const header_types &types, PyObject *pointer, PyObject *name) {
    PyObject *const known = known_fields(types, pointer);
    PyObject *const place = known != nullptr && PyDict_CheckExact(known)
                                ? PyDict_GetItemWithError(known, name)
                                : nullptr;
    if (place == nullptr || !PyLong_CheckExact(place) || !ctypes::keeps_nothing(pointer)) {
        return nullptr;
    }
    const Py_ssize_t packed = PyLong_AsSsize_t(place);
    void *const memory = place_of(pointer);
    auto *const start = memory == nullptr ? nullptr : *static_cast<char **>(memory);
    if (start == nullptr) {
        PyErr_Clear(); // the pointer itself says what is wrong
        return nullptr;
    }
    return plain_value(static_cast<char>(packed & ((1 << bits_of_code) - 1)),
                       start + (packed >> bits_of_code));
}

void note_field(const header_types &types, PyObject *pointer, PyObject *target, PyObject *name) {
    PyObject *known = known_fields(types, pointer);
    ref made;
    if (known == nullptr) {
        made = ref(PyDict_New());
        if (!made ||
            PyObject_SetAttr(type_of_object(pointer), types.name.places, made.get()) != 0) {
            PyErr_Clear();
            return;
        }
        known = made.get();
    }
    if (PyDict_CheckExact(known) && PyDict_Contains(known, name) == 0) {
        const ref place = place_of_field(types, target, name);
        if (place) {
            PyDict_SetItem(known, name, place.get());
        }
    }
    PyErr_Clear(); // it is asked again
}

} // namespace epy
