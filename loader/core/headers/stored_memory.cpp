// Arrays, what pointers lead to, and whole structs: values that take memory of their own.
#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/held_pointer.h"
#include "loader/core/headers/misfits.h"
#include "loader/core/headers/stored_parts.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/items.h"
#include "loader/core/values/structs.h"

namespace epy {

namespace {

// False with a Python exception. What does not fit says which element.
bool store_element(const header_types &types, PyObject *array, PyObject *element, Py_ssize_t index,
                   PyObject *value, storing &where) {
    const ref converted = stored(types, element, value, where);
    if (converted) {
        return reinterpret_cast<PyTypeObject *>(types.core->array)
                   ->tp_as_sequence->sq_ass_item(array, index, converted.get()) == 0;
    }
    if (misfit_is_set()) {
        const ref reason = taken_exception();
        const ref text(PyObject_Str(reason.get()));
        if (text) {
            PyErr_Format(PyExc_ValueError,
                         PyUnicode_GET_LENGTH(text.get()) == 0 ? "element %zd is %R"
                                                               : "element %zd is %R; %U",
                         index, value, text.get());
        }
    }
    return false;
}

// An array of this class with these values.
ref elements(const header_types &types, PyObject *ctype, PyObject *values, const storing &whole) {
    storing where{whole.kept, true, whole.is_argument};
    const ref element(PyObject_GetAttr(ctype, types.core->type_name));
    const ref items(element ? PySequence_Fast(values, "") : nullptr);
    ref made(items ? PyObject_CallNoArgs(ctype) : nullptr);
    for (Py_ssize_t index = 0; made && index < PySequence_Fast_GET_SIZE(items.get()); ++index) {
        const ref value = ref::borrowed(PySequence_Fast_GET_ITEM(items.get(), index));
        if (!store_element(types, made.get(), element.get(), index, value.get(), where)) {
            return {};
        }
    }
    return made;
}

ref array_of_bytes(PyObject *ctype, char code, Py_ssize_t length, PyObject *value) {
    const ref data = bytes_of_text(value);
    if (!data) {
        return {};
    }
    if (PyBytes_GET_SIZE(data.get()) > length) {
        return misfit("it has %zd bytes", PyBytes_GET_SIZE(data.get()));
    }
    ref filled(PyObject_CallMethod(data.get(), "ljust", "ny#", length, "\0", Py_ssize_t{1}));
    if (!filled || code == 'c') { // as ctypes has it
        return filled;
    }
    return ref(PyObject_CallMethod(ctype, "from_buffer_copy", "O", filled.get()));
}

ref characters(PyObject *target, PyObject *text) {
    const ref data = bytes_of_text(text);
    if (!data) {
        return {};
    }
    const Py_ssize_t size = PyBytes_GET_SIZE(data.get()) + 1; // with the NUL
    const ref type = array_of(target, size);
    return type ? ref(PyObject_CallMethod(type.get(), "from_buffer_copy", "y#",
                                          PyBytes_AS_STRING(data.get()), size))
                : ref();
}

// A pointer to memory made for the value.
ref pointer_to_new(const header_types &types, PyObject *ctype, ref memory, storing &where) {
    pointed there;
    const contents bytes(memory.get(), PyBUF_SIMPLE);
    if (!bytes) {
        return {};
    }
    there.address = reinterpret_cast<std::uintptr_t>(bytes.data());
    there.keep = std::move(memory);
    where.made = bytes.size();
    return pointer_object(types, ctype, std::move(there));
}

ref pointer_to_target(const header_types &types, PyObject *ctype, PyObject *target, PyObject *value,
                      storing &where) {
    if (value == Py_None) {
        return ref::borrowed(value);
    }
    if (PyLong_Check(value)) {
        return misfit();
    }
    if (PyType_Check(target) && is_a(value, target)) { // it is its `contents`
        return ref(PyObject_CallOneArg(ctype, value));
    }
    ref memory;
    if (is_sequence(value) || PyDict_Check(value)) {
        if (!complete_if_struct(types, target)) {
            return {};
        }
        if (PyDict_Check(value)) {
            const ref made = stored_struct(target, value);
            return made ? ref(PyObject_CallOneArg(ctype, made.get())) : ref();
        }
        const ref type = array_of(target, PySequence_Size(value));
        memory = type ? elements(types, type.get(), value, where) : ref();
    } else if (is_text(value) && is_code_of_bytes(code_of(types, target))) {
        memory = characters(target, value);
    } else {
        pointed there;
        const fit found = points_to(*types.core, target, value, there);
        where.is_lent = there.keep && PyMemoryView_Check(there.keep.get());
        return found == fit::yes  ? pointer_object(types, ctype, std::move(there))
               : found == fit::no ? misfit("%s", there.reason.c_str())
                                  : ref();
    }
    return memory ? pointer_to_new(types, ctype, std::move(memory), where) : ref();
}

} // namespace

ref stored_struct(PyObject *ctype, PyObject *value) {
    return PyTuple_Check(value) || PyDict_Check(value) ? struct_from_python(ctype, value)
                                                       : misfit();
}

ref stored_array(const header_types &types, PyObject *ctype, PyObject *value, storing &where) {
    const ref element(PyObject_GetAttr(ctype, types.core->type_name));
    const ref size(element ? PyObject_GetAttr(ctype, types.name.length) : nullptr);
    const Py_ssize_t length = size ? PyLong_AsSsize_t(size.get()) : -1;
    if (length < 0) {
        return {};
    }
    const char code = code_of(types, element.get());
    if (is_text(value) && is_code_of_bytes(code)) {
        return array_of_bytes(ctype, code, length, value);
    }
    if (PyUnicode_Check(value) && code == 'u' && PyUnicode_GET_LENGTH(value) <= length) {
        const ref characters(PySequence_Tuple(value));
        return characters ? ref(PyObject_CallObject(ctype, characters.get())) : ref();
    }
    if (!is_sequence(value) && !is_array(types, value)) {
        return misfit();
    }
    const Py_ssize_t count = PySequence_Size(value);
    return count > length ? misfit("it has %zd elements", count)
                          : elements(types, ctype, value, where);
}

ref stored_pointer(const header_types &types, PyObject *ctype, PyObject *value, storing &where) {
    const ref target(PyObject_GetAttr(ctype, types.core->type_name));
    return target ? pointer_to_target(types, ctype, target.get(), value, where) : ref();
}

} // namespace epy
