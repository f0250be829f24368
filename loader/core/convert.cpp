#include "convert.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <cwchar>
#include <limits>
#include <type_traits>

namespace epy {

namespace {

// ---- C to Python

template <typename T> T load(const void *source) {
    T value;
    std::memcpy(&value, source, sizeof value);
    return value;
}

template <typename T> PyObject *integer_to_python(const void *source) {
    const T value = load<T>(source);
    if constexpr (std::is_unsigned_v<T>) {
        return PyLong_FromUnsignedLongLong(value);
    } else {
        return PyLong_FromLongLong(value);
    }
}

PyObject *none_or(const void *pointer, PyObject *(*make)(const void *)) {
    return pointer == nullptr ? Py_NewRef(Py_None) : make(pointer);
}

PyObject *plain_to_python(type code, const void *source) {
    switch (code) {
    case type::none:
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
    case type::wide_character:
        return PyUnicode_FromWideChar(static_cast<const wchar_t *>(source), 1);
    case type::c_string:
        return none_or(load<const void *>(source), [](const void *text) {
            return PyBytes_FromString(static_cast<const char *>(text));
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
    }
    Py_UNREACHABLE();
}

// The bytes of a ctypes instance, for a scope.
class contents {
public:
    contents(PyObject *instance, int flags) noexcept {
        ok_ = PyObject_GetBuffer(instance, &view_, flags) == 0;
    }
    ~contents() {
        if (ok_) {
            PyBuffer_Release(&view_);
        }
    }
    contents(const contents &) = delete;
    contents &operator=(const contents &) = delete;

    explicit operator bool() const noexcept { return ok_; }
    [[nodiscard]] void *data() const noexcept { return view_.buf; }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(view_.len); }

private:
    Py_buffer view_{};
    bool ok_;
};

// ---- Python to C

bool does_not_fit(PyObject *value, const char *c_type) {
    PyErr_Format(PyExc_OverflowError, "%R does not fit the C type %s", value, c_type);
    return false;
}

bool wrong_type(PyObject *value, const char *expected) {
    PyErr_Format(PyExc_TypeError, "expected %s, got %R", expected, value);
    return false;
}

template <typename T> bool integer_from_python(PyObject *value, const char *c_type, c_value &out) {
    const ref number(PyNumber_Index(value));
    if (!number) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) && !PyLong_Check(value)) {
            PyErr_Clear();
            return wrong_type(value, "an int");
        }
        return false;
    }
    if constexpr (std::is_unsigned_v<T>) {
        const unsigned long long wide = PyLong_AsUnsignedLongLong(number.get());
        if (wide == std::numeric_limits<unsigned long long>::max() && PyErr_Occurred() != nullptr) {
            PyErr_Clear();
            return does_not_fit(value, c_type);
        }
        if (wide > std::numeric_limits<T>::max()) {
            return does_not_fit(value, c_type);
        }
        out.bits = wide;
    } else {
        int overflow = 0;
        const long long wide = PyLong_AsLongLongAndOverflow(number.get(), &overflow);
        if (overflow != 0 || wide < std::numeric_limits<T>::min() ||
            wide > std::numeric_limits<T>::max()) {
            return does_not_fit(value, c_type);
        }
        out.bits = static_cast<std::uint64_t>(wide);
    }
    return true;
}

bool floating_from_python(PyObject *value, type code, c_value &out) {
    const double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
        return false;
    }
    if (code == type::double_precision) {
        out.bits = std::bit_cast<std::uint64_t>(number);
    } else {
        out.bits = std::bit_cast<std::uint32_t>(static_cast<float>(number));
    }
    return true;
}

bool character_from_python(PyObject *value, c_value &out) {
    if (PyBytes_Check(value) && PyBytes_GET_SIZE(value) == 1) {
        out.bits = static_cast<unsigned char>(PyBytes_AS_STRING(value)[0]);
        return true;
    }
    if (PyLong_Check(value)) {
        return integer_from_python<unsigned char>(value, "char", out);
    }
    return wrong_type(value, "bytes of length 1 or an int");
}

bool wide_character_from_python(PyObject *value, c_value &out) {
    if (!PyUnicode_Check(value) || PyUnicode_GET_LENGTH(value) != 1) {
        return wrong_type(value, "a str of length 1");
    }
    out.bits = PyUnicode_READ_CHAR(value, 0);
    return true;
}

// Whatever stands for an address: a struct or an array for its own, a pointer for what it points
// to.
bool address_from_python(const module_state &state, PyObject *value, c_value &out) {
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
        return integer_from_python<unsigned long long>(value, "void *", out);
    }
    if (PyBytes_Check(value)) {
        out.bits = reinterpret_cast<std::uintptr_t>(PyBytes_AS_STRING(value));
        out.keep = ref::borrowed(value);
        return true;
    }
    const int is_aggregate = PyObject_IsInstance(value, state.aggregates);
    if (is_aggregate < 0) {
        return false;
    }
    ref address;
    if (is_aggregate != 0) {
        address = ref(PyObject_CallOneArg(state.address_of, value));
    } else {
        const ref pointer(
            PyObject_CallFunctionObjArgs(state.cast, value, state.void_pointer, nullptr));
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
    out.keep = ref::borrowed(value);
    return PyErr_Occurred() == nullptr;
}

bool wide_string_from_python(const module_state &state, PyObject *value, c_value &out) {
    if (!PyUnicode_Check(value)) {
        return address_from_python(state, value, out);
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

bool plain_from_python(const module_state &state, type code, PyObject *value, c_value &out) {
    switch (code) {
    case type::none:
        return true;
    case type::boolean: {
        const int truth = PyObject_IsTrue(value);
        out.bits = truth > 0 ? 1 : 0;
        return truth >= 0;
    }
    case type::character:
        return character_from_python(value, out);
    case type::signed_char:
        return integer_from_python<signed char>(value, "signed char", out);
    case type::unsigned_char:
        return integer_from_python<unsigned char>(value, "unsigned char", out);
    case type::signed_short:
        return integer_from_python<short>(value, "short", out);
    case type::unsigned_short:
        return integer_from_python<unsigned short>(value, "unsigned short", out);
    case type::signed_int:
        return integer_from_python<int>(value, "int", out);
    case type::unsigned_int:
        return integer_from_python<unsigned int>(value, "unsigned int", out);
    case type::signed_long:
        return integer_from_python<long>(value, "long", out);
    case type::unsigned_long:
        return integer_from_python<unsigned long>(value, "unsigned long", out);
    case type::signed_long_long:
        return integer_from_python<long long>(value, "long long", out);
    case type::unsigned_long_long:
        return integer_from_python<unsigned long long>(value, "unsigned long long", out);
    case type::single_precision:
    case type::double_precision:
        return floating_from_python(value, code, out);
    case type::wide_character:
        return wide_character_from_python(value, out);
    case type::c_string:
        if (PyUnicode_Check(value)) {
            return wrong_type(value, "bytes or None (encode the str)");
        }
        return address_from_python(state, value, out);
    case type::wide_string:
        return wide_string_from_python(state, value, out);
    case type::pointer:
        return address_from_python(state, value, out);
    case type::object:
        out.bits = reinterpret_cast<std::uintptr_t>(Py_NewRef(value)); // the host's reference
        return true;
    }
    Py_UNREACHABLE();
}

} // namespace

PyObject *to_python(const parameter &expected, const void *source) {
    if (!expected.instance_of) {
        return plain_to_python(expected.code, source);
    }
    ref instance(PyObject_CallNoArgs(expected.instance_of.get()));
    if (!instance) {
        return nullptr;
    }
    const contents memory(instance.get(), PyBUF_WRITABLE);
    if (!memory) {
        return nullptr;
    }
    std::memcpy(memory.data(), source,
                std::min<std::size_t>(memory.size(), size_of(expected.code)));
    return instance.release();
}

bool from_python(const module_state &state, const parameter &expected, PyObject *value,
                 c_value &out) {
    if (expected.instance_of) {
        const int fits = PyObject_IsInstance(value, expected.instance_of.get());
        if (fits < 0) {
            return false;
        }
        if (fits != 0) {
            const contents memory(value, PyBUF_SIMPLE);
            if (!memory) {
                return false;
            }
            std::memcpy(&out.bits, memory.data(),
                        std::min<std::size_t>(memory.size(), sizeof out.bits));
            if (expected.code == type::pointer) {
                out.keep = ref::borrowed(value);
            }
            return true;
        }
    }
    return plain_from_python(state, expected.code, value, out);
}

} // namespace epy
