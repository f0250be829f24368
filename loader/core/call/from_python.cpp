// What Python returns -> C results.
#include "loader/core/call/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "loader/core/call/pointers.h"
#include "loader/core/headers/given.h"
#include "loader/core/headers/stored.h"
#include "loader/core/thread/threads.h"
#include "loader/core/values/contents.h"
#include "loader/core/values/does_not_fit.h"
#include "loader/core/values/handles.h"
#include "loader/core/values/pointed.h"
#include "loader/core/values/structs.h"

namespace epy {

namespace {

// The limits are in the message: -128 to 127.
template <typename T> bool out_of_range(PyObject *value, const char *c_type) {
    using limits = std::numeric_limits<T>;
    const std::string remedy = "give one from " + std::to_string(limits::min()) + " to " +
                               std::to_string(limits::max()) + ", or declare a wider type";
    return does_not_fit(value, c_type, remedy.c_str());
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
            return out_of_range<T>(value, c_type);
        }
        if (wide > std::numeric_limits<T>::max()) {
            return out_of_range<T>(value, c_type);
        }
        out.bits = wide;
    } else {
        int overflow = 0;
        const long long wide = PyLong_AsLongLongAndOverflow(number.get(), &overflow);
        if (overflow != 0 || wide < std::numeric_limits<T>::min() ||
            wide > std::numeric_limits<T>::max()) {
            return out_of_range<T>(value, c_type);
        }
        out.bits = static_cast<std::uint64_t>(wide);
    }
    return true;
}

template <typename T> void store(const T &value, c_value &out) {
    // Behind the 80 bits of a long double there is nothing to copy.
    std::memcpy(out.bytes(), &value, std::is_same_v<T, long double> ? 10 : sizeof value);
}

bool can_be_complex(PyObject *value) {
    const exception_set_aside conversions;
    return PyObject_HasAttrString(reinterpret_cast<PyObject *>(Py_TYPE(value)), "__complex__") != 0;
}

// Python's own words for what is no number have no remedy; what a value's methods raise is kept.
// False.
bool is_no_number(PyObject *value, const char *expected) {
    const PyNumberMethods *methods = Py_TYPE(value)->tp_as_number;
    const bool has_own = methods != nullptr &&
                         (methods->nb_float != nullptr || methods->nb_index != nullptr) &&
                         PyLong_Check(value) == 0;
    if (has_own || can_be_complex(value)) {
        return false;
    }
    PyErr_Clear();
    return PyLong_Check(value) != 0
               ? does_not_fit(value, "double", "give one up to 1.8e308 either way")
               : wrong_type(value, expected);
}

template <typename T> bool floating_from_python(PyObject *value, c_value &out) {
    const double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
        return is_no_number(value, "a float");
    }
    const T converted = static_cast<T>(number);
    if (std::isinf(converted) && !std::isinf(number)) {
        return does_not_fit(value, "float",
                            "give one up to 3.4e38 either way, or declare a double");
    }
    store(converted, out);
    return true;
}

template <typename T> bool complex_from_python(PyObject *value, c_value &out) {
    const Py_complex number = PyComplex_AsCComplex(value);
    if (number.real == -1.0 && PyErr_Occurred() != nullptr) {
        return is_no_number(value, "a complex number");
    }
    store(std::complex<T>(static_cast<T>(number.real), static_cast<T>(number.imag)), out);
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

// A void function's result says nothing, unless it shows that the function has not run.
bool nothing_from_python(PyObject *value) {
    if (PyGen_CheckExact(value) || PyCoro_CheckExact(value) || PyAsyncGen_CheckExact(value)) {
        return wrong_type(value, "None: a generator or coroutine runs only if something runs it");
    }
    return true;
}

// Long because each type has its row.
// NOLINTNEXTLINE(readability-function-size)
bool plain_from_python(const module_state &state, const parameter &expected, PyObject *value,
                       c_value &out) {
    switch (expected.code) {
    case type::none:
        return nothing_from_python(value);
    case type::aggregate:
        break;
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
        return floating_from_python<float>(value, out);
    case type::double_precision:
        return floating_from_python<double>(value, out);
    case type::extended_precision:
        return floating_from_python<long double>(value, out);
    case type::single_complex:
        return complex_from_python<float>(value, out);
    case type::double_complex:
        return complex_from_python<double>(value, out);
    case type::wide_character:
        return wide_character_from_python(value, out);
    case type::c_string:
        return pointer_from_python(state, expected, value, out);
    case type::utf8_string:
        return utf8_string_from_python(state, expected, value, out);
    case type::wide_string:
        return wide_string_from_python(state, expected, value, out);
    case type::pointer:
        return pointer_from_python(state, expected, value, out);
    case type::object:
        out.bits = reinterpret_cast<std::uintptr_t>(Py_NewRef(value)); // the host's reference
        return true;
    case type::handle:
    case type::consumed_handle: // not plain: they have a class
    case type::further:         // no result
        break;
    }
    Py_UNREACHABLE();
}

bool may_lead_somewhere(type code) {
    return code == type::aggregate || code == type::pointer || code == type::c_string ||
           code == type::wide_string;
}

} // namespace

bool from_python(const module_state &state, const parameter &expected, PyObject *value,
                 PyObject *plugin, c_value &out) {
    if (expected.seen == seen_as::object) {
        return handle_of_object(state, expected.cls(), value, plugin, out.bits);
    }
    if (expected.seen == seen_as::instance) {
        const int fits = PyObject_IsInstance(value, expected.instance_of.get());
        if (fits < 0) {
            return false;
        }
        if (fits != 0) {
            const contents memory(value, PyBUF_SIMPLE);
            if (!memory) {
                return false;
            }
            std::memcpy(out.bytes(), memory.data(),
                        std::min<std::size_t>(memory.size(), expected.form.size));
            if (expected.code == type::aggregate && !keep_given_struct(state, value)) {
                return false;
            }
            if (may_lead_somewhere(expected.code)) {
                out.keep = with_targets(value);
                return static_cast<bool>(out.keep);
            }
            return true;
        }
        if (expected.code == type::aggregate) {
            if (PyTuple_Check(value) || PyDict_Check(value)) {
                const lasting_callbacks these;
                const ref made = struct_from_python(expected.instance_of.get(), value);
                return made && from_python(state, expected, made.get(), plugin, out);
            }
            const std::string instance = std::string("an instance of ") + expected.cls()->tp_name +
                                         ", a tuple or dict of its fields";
            return wrong_type(value, instance.c_str());
        }
    }
    return plain_from_python(state, expected, value, out);
}

} // namespace epy
