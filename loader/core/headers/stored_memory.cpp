// Arrays, what pointers lead to, and whole structs: values that take memory of their own.
#include <cstring>

#include "../convert.h"
#include "../items.h"
#include "ctypes_objects.h"
#include "misfits.h"
#include "stored_parts.h"

namespace epy {

namespace {

// False with a Python exception. What does not fit says which element.
bool store_element(const header_types &types, PyObject *array, PyObject *element, Py_ssize_t index,
                   PyObject *value, PyObject *kept) {
    const ref converted = stored(types, element, value, kept);
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
ref elements(const header_types &types, PyObject *ctype, PyObject *values, PyObject *kept) {
    const ref element(PyObject_GetAttr(ctype, types.core->type_name));
    const ref items(element ? PySequence_Fast(values, "") : nullptr);
    ref made(items ? PyObject_CallNoArgs(ctype) : nullptr);
    for (Py_ssize_t index = 0; made && index < PySequence_Fast_GET_SIZE(items.get()); ++index) {
        const ref value = ref::borrowed(PySequence_Fast_GET_ITEM(items.get(), index));
        if (!store_element(types, made.get(), element.get(), index, value.get(), kept)) {
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

// Whether types are the same to C: arrays of headers are classes of their own.
bool are_alike(const header_types &types, PyObject *one, PyObject *other) {
    auto *base = types.core->array;
    if (!is_class_of(one, base) || !is_class_of(other, base)) {
        return PyType_Check(other) != 0 && is_class_of(one, other);
    }
    const ref lengths[] = {ref(PyObject_GetAttr(one, types.name.length)),
                           ref(PyObject_GetAttr(other, types.name.length))};
    const ref items[] = {ref(PyObject_GetAttr(one, types.core->type_name)),
                         ref(PyObject_GetAttr(other, types.core->type_name))};
    const bool same = lengths[0] && lengths[1] && items[0] && items[1] &&
                      PyObject_RichCompareBool(lengths[0].get(), lengths[1].get(), Py_EQ) == 1 &&
                      are_alike(types, items[0].get(), items[1].get());
    PyErr_Clear();
    return same;
}

// Whether items of a buffer's format are integers where the type is one, else real numbers.
bool holds(const header_types &types, const char *format, PyObject *target) {
    const char last = format[std::strlen(format) - 1];
    const bool is_real = last == 'f' || last == 'd' || last == 'g';
    const char code = code_of(types, target);
    return is_real == (code == 'f' || code == 'd' || code == 'g');
}

// An array on the memory of a bytearray, array.array, numpy array.
ref on_buffer(const header_types &types, PyObject *target, PyObject *value) {
    const ref view(PyMemoryView_FromObject(value));
    const ref size(view ? PyObject_CallOneArg(types.size_of, target) : nullptr);
    if (size) {
        const Py_buffer &buffer = *PyMemoryView_GET_BUFFER(view.get());
        const char *format = buffer.format == nullptr ? "B" : buffer.format;
        if (buffer.itemsize == 0 || buffer.itemsize != PyLong_AsSsize_t(size.get()) ||
            !holds(types, format, target)) {
            return misfit();
        }
        const ref type = array_of(target, buffer.len / buffer.itemsize);
        ref made(type ? PyObject_CallMethod(type.get(), "from_buffer", "O", value) : nullptr);
        if (made) {
            return made;
        }
    }
    return misfit_if({PyExc_TypeError, PyExc_ValueError, PyExc_BufferError});
}

ref characters(const header_types &types, PyObject *target, PyObject *text) {
    if (!is_code_of_bytes(code_of(types, target))) {
        return misfit();
    }
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

ref pointer_to_target(const header_types &types, PyObject *ctype, PyObject *target, PyObject *value,
                      PyObject *kept) {
    if (value == Py_None) {
        return ref::borrowed(value);
    }
    if (PyType_Check(target) && is_a(value, target)) {
        return ref(PyObject_CallOneArg(ctype, value));
    }
    if (are_alike(types, type_of_object(value), target)) {
        return address_of_instance(types, value, ctype);
    }
    if (is_pointer(types, value) || is_array(types, value)) {
        const ref other(PyObject_GetAttr(type_of_object(value), types.core->type_name));
        if (!other || are_alike(types, other.get(), target)) {
            return other ? cast(types, value, ctype) : ref();
        }
        return misfit();
    }
    if (is_a(value, types.core->void_pointer)) {
        return cast(types, value, ctype);
    }
    ref memory;
    if (is_sequence(value) || PyDict_Check(value)) {
        if (is_class_of(target, types.fields) && !complete(types, target)) {
            return {};
        }
        if (PyDict_Check(value)) {
            const ref made = stored_record(target, value);
            return made ? ref(PyObject_CallOneArg(ctype, made.get())) : ref();
        }
        const ref type = array_of(target, PySequence_Size(value));
        memory = type ? elements(types, type.get(), value, kept) : ref();
    } else if (is_text(value)) {
        memory = characters(types, target, value);
    } else if (is_a(value, types.core->c_data)) {
        return misfit();
    } else {
        memory = on_buffer(types, target, value);
    }
    return memory ? cast(types, memory.get(), ctype) : ref();
}

} // namespace

ref stored_record(PyObject *ctype, PyObject *value) {
    return PyTuple_Check(value) || PyDict_Check(value) ? struct_from_python(ctype, value)
                                                       : misfit();
}

ref stored_array(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
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
                          : elements(types, ctype, value, kept);
}

ref stored_pointer(const header_types &types, PyObject *ctype, PyObject *value, PyObject *kept) {
    const ref target(PyObject_GetAttr(ctype, types.core->type_name));
    const ref object = without_byref(types, value);
    return target && object ? pointer_to_target(types, ctype, target.get(), object.get(), kept)
                            : ref();
}

} // namespace epy
