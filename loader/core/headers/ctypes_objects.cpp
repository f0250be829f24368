#include "loader/core/headers/ctypes_objects.h"

#include "loader/core/headers/held_pointer.h"
#include "loader/core/headers/kept_values.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/instance_layout.h"
#include "loader/core/values/item_kinds.h"
#include "loader/core/values/items.h"

namespace epy {

bool is_a(PyObject *value, PyObject *type) {
    return PyObject_TypeCheck(value, reinterpret_cast<PyTypeObject *>(type)) != 0;
}

bool is_a(PyObject *value, PyTypeObject *type) { return PyObject_TypeCheck(value, type) != 0; }

bool is_pointer(const header_types &types, PyObject *value) {
    return is_a(value, types.core->pointer);
}

bool is_array(const header_types &types, PyObject *value) { return is_a(value, types.core->array); }

bool is_function(const header_types &types, PyObject *value) {
    return is_a(value, types.core->function_pointer);
}

PyObject *type_of_object(PyObject *value) { return reinterpret_cast<PyObject *>(Py_TYPE(value)); }

bool is_code_of_bytes(char code) { return code == 'c' || code == 'b' || code == 'B'; }

bool keep(PyObject *kept, PyObject *object) {
    const ref key(PyLong_FromVoidPtr(object));
    return key && PyDict_SetItem(kept, key.get(), object) == 0;
}

ref cast(const header_types &types, PyObject *value, PyObject *ctype) {
    return ref(PyObject_CallFunctionObjArgs(types.core->cast, value, ctype, nullptr));
}

ref array_of(PyObject *element, Py_ssize_t length) {
    const ref count(PyLong_FromSsize_t(length));
    return count ? ref(PyNumber_Multiply(element, count.get())) : ref();
}

ref bytes_of_text(PyObject *value) {
    return PyUnicode_Check(value) ? ref(PyUnicode_AsUTF8String(value)) : ref::borrowed(value);
}

bool is_text(PyObject *value) { return PyUnicode_Check(value) || PyBytes_Check(value); }

bool is_sequence(PyObject *value) { return PyList_Check(value) || PyTuple_Check(value); }

bool find_keeper(const header_types &types, PyObject *instance, kept_values *&kept) {
    ref at = ref::borrowed(instance);
    ref base(PyObject_GetAttr(instance, types.name.whole));
    while (base && base.get() != Py_None && !is_pointer(types, base.get())) {
        at = std::move(base);
        base = ref(PyObject_GetAttr(at.get(), types.name.whole));
    }
    if (!base) {
        return false;
    }
    if (base.get() == Py_None) {
        const ref is_freed(PyObject_GetAttr(at.get(), types.name.is_freed));
        const int owned = is_freed ? PyObject_IsTrue(is_freed.get()) : -1;
        if (owned != 0) {
            return owned > 0;
        }
    }
    const header_classes *classes = classes_of(types, type_of_object(instance));
    kept = classes == nullptr ? nullptr : as_kept(classes->kept);
    return classes != nullptr;
}

bool is_pointer_class(const header_types &types, PyObject *ctype) {
    const char code = code_of(types, ctype);
    return code == 'P' || code == 'z' || code == 'Z' ||
           is_class_of(ctype, reinterpret_cast<PyObject *>(types.core->pointer)) ||
           is_class_of(ctype, reinterpret_cast<PyObject *>(types.core->function_pointer));
}

std::size_t size_of_stored(const header_types &types, PyObject *made) {
    if (!is_a(made, types.core->c_data)) {
        return 1;
    }
    const contents memory(made, PyBUF_SIMPLE);
    PyErr_Clear();
    return memory && memory.size() > 0 ? memory.size() : 1;
}

void *place_of(PyObject *instance) { return ctypes::place_of(instance); }

ref null_pointer(const header_types &types, PyObject *ctype) {
    return pointer_object(types, ctype, {});
}

ref attribute_of_class(PyObject *instance, PyObject *name) {
    return ref(PyObject_GetAttr(type_of_object(instance), name));
}

char code_of(const header_types &types, PyObject *type) {
    if (!is_class_of(type, types.core->simple)) {
        return '\0';
    }
    return code_of_simple_type(*types.core, type);
}

bool is_special(PyObject *name) {
    return PyUnicode_GET_LENGTH(name) > 1 && PyUnicode_READ_CHAR(name, 0) == '_' &&
           PyUnicode_READ_CHAR(name, 1) == '_';
}

} // namespace epy
