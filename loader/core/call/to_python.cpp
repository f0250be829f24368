// What C passes -> Python objects.
#include <algorithm>
#include <complex>
#include <cstring>
#include <type_traits>

#include "loader/core/call/convert.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/handles.h"
#include "loader/core/values/load.h"

namespace epy {

namespace {

template <typename T> PyObject *integer_to_python(const void *source) {
    const T value = load<T>(source);
    if constexpr (std::is_unsigned_v<T>) {
        return PyLong_FromUnsignedLongLong(value);
    } else {
        return PyLong_FromLongLong(value);
    }
}

template <typename T> PyObject *complex_to_python(const void *source) {
    const auto value = load<std::complex<T>>(source);
    return PyComplex_FromDoubles(static_cast<double>(value.real()),
                                 static_cast<double>(value.imag()));
}

PyObject *none_or(const void *pointer, PyObject *(*make)(const void *)) {
    return pointer == nullptr ? Py_NewRef(Py_None) : make(pointer);
}

// Long because each type has its row.
// NOLINTNEXTLINE(readability-function-size)
PyObject *plain_to_python(type code, const void *source) {
    switch (code) {
    case type::none:
    case type::aggregate:
        break;
    case type::boolean:
        return PyBool_FromLong(load<unsigned char>(source));
    case type::character:
        return PyBytes_FromStringAndSize(static_cast<const char *>(source), 1);
    case type::signed_char:
        return integer_to_python<signed char>(source);
    case type::unsigned_char:
        return integer_to_python<unsigned char>(source);
    case type::signed_short:
        return integer_to_python<short>(source);
    case type::unsigned_short:
        return integer_to_python<unsigned short>(source);
    case type::signed_int:
        return PyLong_FromLong(load<int>(source));
    case type::unsigned_int:
        return integer_to_python<unsigned int>(source);
    case type::signed_long:
    case type::signed_long_long:
        return PyLong_FromLongLong(load<long long>(source));
    case type::unsigned_long:
    case type::unsigned_long_long:
        return PyLong_FromUnsignedLongLong(load<unsigned long long>(source));
    case type::single_precision:
        return PyFloat_FromDouble(static_cast<double>(load<float>(source)));
    case type::double_precision:
        return PyFloat_FromDouble(load<double>(source));
    case type::extended_precision:
        return PyFloat_FromDouble(static_cast<double>(load<long double>(source)));
    case type::single_complex:
        return complex_to_python<float>(source);
    case type::double_complex:
        return complex_to_python<double>(source);
    case type::wide_character:
        return PyUnicode_FromWideChar(static_cast<const wchar_t *>(source), 1);
    case type::c_string:
        return none_or(load<const void *>(source), [](const void *text) {
            return PyBytes_FromString(static_cast<const char *>(text));
        });
    case type::utf8_string:
        return none_or(load<const void *>(source), [](const void *text) {
            return PyUnicode_FromString(static_cast<const char *>(text));
        });
    case type::wide_string:
        return none_or(load<const void *>(source), [](const void *text) {
            return PyUnicode_FromWideChar(static_cast<const wchar_t *>(text), -1);
        });
    case type::pointer:
        return none_or(load<const void *>(source), [](const void *address) {
            return PyLong_FromVoidPtr(const_cast<void *>(address));
        });
    case type::object: {
        auto *object = load<PyObject *>(source);
        if (object == nullptr) {
            PyErr_SetString(PyExc_ValueError, "the host passed NULL for a py_object");
            return nullptr;
        }
        return Py_NewRef(object);
    }
    case type::handle:
    case type::consumed_handle:
        break; // not plain: they have a class
    case type::further:
        return PyLong_FromVoidPtr(const_cast<void *>(source));
    }
    Py_UNREACHABLE();
}

PyObject *instance_to_python(const parameter &expected, const void *source) {
    ref instance(PyObject_CallNoArgs(expected.instance_of.get()));
    if (!instance) {
        return nullptr;
    }
    const contents memory(instance.get(), PyBUF_WRITABLE);
    if (!memory) {
        return nullptr;
    }
    std::memcpy(memory.data(), source, std::min<std::size_t>(memory.size(), expected.form.size));
    return instance.release();
}

} // namespace

void **memory_of_pointer(const module_state &state, PyObject *object) {
    if (!PyObject_TypeCheck(object, state.pointer) || Py_TYPE(object)->tp_finalize != nullptr) {
        return nullptr;
    }
    const contents memory(object, PyBUF_WRITABLE);
    PyErr_Clear();
    return memory ? static_cast<void **>(memory.data()) : nullptr;
}

PyObject *to_python(const module_state &state, const parameter &expected, const void *source) {
    if (expected.seen == seen_as::plain) {
        return plain_to_python(expected.code, source);
    }
    if (expected.seen == seen_as::object) {
        return object_of_handle(state, expected.cls(), load<std::uint64_t>(source),
                                expected.code == type::consumed_handle);
    }
    if (expected.seen == seen_as::instance) {
        return instance_to_python(expected, source);
    }
    const ref number(plain_to_python(expected.code, source));
    return number ? PyObject_GetItem(expected.instance_of.get(), number.get()) : nullptr;
}

} // namespace epy
