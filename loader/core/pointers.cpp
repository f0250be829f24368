#include "pointers.h"

#include <cstring>
#include <cwchar>

#include "contents.h"
#include "misfit.h"

namespace epy {

namespace {

bool is_class(const parameter &expected, PyTypeObject *base) {
    return expected.instance_of &&
           PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(expected.instance_of.get()), base) !=
               0;
}

// A Python callable where a function pointer is due: its callback, which lives as long as the
// plugin.
bool callback_from_python(const module_state &state, const parameter &expected, PyObject *function,
                          c_value &out) {
    const ref made(PyObject_CallFunctionObjArgs(state.callback_maker, expected.instance_of.get(),
                                                function, nullptr));
    if (!made) {
        return false;
    }
    const contents pointer(made.get(), PyBUF_SIMPLE);
    if (!pointer) {
        return false;
    }
    std::memcpy(&out.bits, pointer.data(), sizeof out.bits);
    return true;
}

// The address of a ctypes object, or the one that it holds. Where a POINTER(T) is due a T or an
// array of T gives its own, as for an argument of ctypes' functions.
bool address_of_ctypes(const module_state &state, const parameter &expected, PyObject *value,
                       c_value &out) {
    const int is_aggregate = PyObject_IsInstance(value, state.aggregates);
    if (is_aggregate < 0) {
        return false;
    }
    ref pointer;
    if (is_class(expected, state.pointer)) {
        const ref convert(PyObject_GetAttrString(expected.instance_of.get(), "from_param"));
        pointer = ref(convert ? PyObject_CallOneArg(convert.get(), value) : nullptr);
        if (!pointer && is_aggregate != 0) {
            return false;
        }
        PyErr_Clear();
    }
    ref address;
    if (is_aggregate != 0) {
        address = ref(PyObject_CallOneArg(state.address_of, value));
    } else {
        pointer = ref(PyObject_CallFunctionObjArgs(state.cast, pointer ? pointer.get() : value,
                                                   state.void_pointer, nullptr));
        if (pointer) {
            address = ref(PyObject_GetAttrString(pointer.get(), "value"));
        }
    }
    if (!address) {
        PyErr_Clear();
        return wrong_type(value, "a pointer, an address, bytes or None");
    }
    if (address.get() != Py_None) {
        out.bits = PyLong_AsUnsignedLongLong(address.get());
    }
    // What a header's pointer was made of: an array, for a list.
    // Not what byref() gives, which the collector does not see through.
    out.keep = pointer && is_aggregate == 0 ? std::move(pointer) : ref::borrowed(value);
    return PyErr_Occurred() == nullptr;
}

} // namespace

bool pointer_from_python(const module_state &state, const parameter &expected, PyObject *value,
                         c_value &out) {
    if (value == Py_None) {
        out.bits = 0;
        return true;
    }
    if (PyLong_Check(value)) {
        int overflow = 0;
        const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow == 0) { // negative too: (void *)-1 is a pointer that C programs like
            out.bits = static_cast<std::uint64_t>(number);
            return true;
        }
        out.bits = overflow > 0 ? PyLong_AsUnsignedLongLong(value) : 0;
        if (overflow < 0 || PyErr_Occurred() != nullptr) {
            PyErr_Clear();
            return does_not_fit(value, "void *");
        }
        return true;
    }
    if (PyBytes_Check(value)) {
        out.bits = reinterpret_cast<std::uintptr_t>(PyBytes_AS_STRING(value));
        out.keep = ref::borrowed(value);
        return true;
    }
    if (PyCallable_Check(value) != 0 && is_class(expected, state.function_pointer) &&
        !PyObject_TypeCheck(value, state.function_pointer)) {
        return callback_from_python(state, expected, value, out);
    }
    return address_of_ctypes(state, expected, value, out);
}

bool wide_string_from_python(const module_state &state, const parameter &expected, PyObject *value,
                             c_value &out) {
    if (PyBytes_Check(value)) {
        return wrong_type(value, "str, a pointer or None"); // its characters are not that wide
    }
    if (!PyUnicode_Check(value)) {
        return pointer_from_python(state, expected, value, out);
    }
    wchar_t *const text = PyUnicode_AsWideCharString(value, nullptr);
    if (text == nullptr) {
        return false;
    }
    // In a bytes object, because that can be kept.
    out.keep = ref(PyBytes_FromStringAndSize(
        reinterpret_cast<const char *>(text),
        static_cast<Py_ssize_t>((std::wcslen(text) + 1) * sizeof(wchar_t))));
    PyMem_Free(text);
    if (!out.keep) {
        return false;
    }
    out.bits = reinterpret_cast<std::uintptr_t>(PyBytes_AS_STRING(out.keep.get()));
    return true;
}

bool utf8_string_from_python(const module_state &state, const parameter &expected, PyObject *value,
                             c_value &out) {
    if (!PyUnicode_Check(value)) {
        if (PyBytes_Check(value)) {
            return wrong_type(value, "a str or None (bytes are c_char_p)");
        }
        return pointer_from_python(state, expected, value, out);
    }
    Py_ssize_t length = 0;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length); // strict; lives as long as the str
    if (text == nullptr) {
        return false;
    }
    if (std::strlen(text) != static_cast<std::size_t>(length)) {
        PyErr_Format(PyExc_ValueError, "%R has a NUL, where a C string ends", value);
        return false;
    }
    out.bits = reinterpret_cast<std::uintptr_t>(text);
    out.keep = ref::borrowed(value);
    return true;
}

} // namespace epy
