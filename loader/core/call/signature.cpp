#include "loader/core/call/signature.h"

#include <cstring>

#include "loader/core/values/ctypes_library.h"

namespace epy {

namespace {

// Of a Buffer's (item type, index of the count, writable). Null with a Python exception.
std::unique_ptr<const buffer_parameter> parse_buffer(const module_state &state,
                                                     PyObject *description) {
    PyObject *item_type = nullptr;
    Py_ssize_t count = 0;
    int writable = 0;
    element item{};
    if (PyArg_ParseTuple(description, "Onp:buffer", &item_type, &count, &writable) == 0 ||
        !element_of(state, item_type, item)) {
        return nullptr;
    }
    return std::make_unique<const buffer_parameter>(
        buffer_parameter{item, static_cast<std::size_t>(count), writable != 0});
}

bool is_integer(const parameter &one) {
    return one.code >= type::signed_char && one.code <= type::unsigned_long_long;
}

// The type that `codes` begins with, and how much of it that is. 0 with a Python exception if there
// is none.
std::size_t parse_type(const char *codes, parameter &out) {
    if (*codes == '{') {
        out.code = type::aggregate;
        const std::size_t length = parse_aggregate(codes, out.form);
        if (length == 0) {
            PyErr_Format(PyExc_ValueError, "'%s' describes no struct or union", codes);
        }
        return length;
    }
    const auto code = type_of(*codes);
    if (!code) {
        PyErr_Format(PyExc_ValueError, "no C type has the code '%c'", *codes);
        return 0;
    }
    out.code = *code;
    out.form = shape_of(*code);
    return 1;
}

// How Python sees a value, by the class that stands beside its code, or None. False with a Python
// exception.
bool take_class(const module_state &state, PyObject *class_or_none, parameter &out) {
    if (class_or_none != Py_None && !find_ctypes(state)) {
        return false;
    }
    if (is_handle(out.code) && PyType_Check(class_or_none) == 0) {
        PyErr_SetString(PyExc_ValueError, "a handle needs the class of its objects");
        return false;
    }
    if (PyTuple_Check(class_or_none)) {
        out.buffer = parse_buffer(state, class_or_none);
        return out.buffer != nullptr;
    }
    if (class_or_none == Py_None) {
        return true;
    }
    if (PyDict_Check(class_or_none) && !is_integer(out)) {
        PyErr_SetString(PyExc_ValueError, "only integers have members");
        return false;
    }
    out.instance_of = ref::borrowed(class_or_none);
    out.seen = is_handle(out.code)           ? seen_as::object
               : PyDict_Check(class_or_none) ? seen_as::member
                                             : seen_as::instance;
    return true;
}

// Where the assembly entry leaves the arguments, one after the other.
class places {
public:
    std::uint32_t next(const shape &form) noexcept {
        const bool is_vector = form.parts[0] == eightbyte::sse;
        if (is_vector && vector_ < EPY_FRAME_VECTOR_COUNT) {
            return EPY_FRAME_VECTOR + 8 * vector_++;
        }
        if (!is_vector && general_ < EPY_FRAME_GENERAL_COUNT) {
            return EPY_FRAME_GENERAL + 8 * general_++;
        }
        return EPY_FRAME_STACK + 8 * stack_++;
    }

private:
    std::uint32_t general_ = 0;
    std::uint32_t vector_ = 0;
    std::uint32_t stack_ = 0;
};

// Whether it can stand there; false with a Python exception.
bool is_result(const parameter &one) {
    if (one.code == type::further) {
        PyErr_SetString(PyExc_ValueError, "a result is no place for further values");
    }
    return one.code != type::further;
}

bool is_parameter(const parameter &one) {
    if (one.code == type::none) {
        PyErr_SetString(PyExc_ValueError, "a parameter is void");
    }
    return one.code != type::none;
}

// False with a Python exception.
bool have_counts(const std::vector<parameter> &parameters) {
    for (const parameter &one : parameters) {
        if (one.buffer && (one.buffer->count >= parameters.size() ||
                           !is_integer(parameters[one.buffer->count]))) {
            PyErr_SetString(PyExc_ValueError, "a buffer's count is an integer parameter");
            return false;
        }
    }
    return true;
}

} // namespace

bool signature::parse(const module_state &state, const char *codes, PyObject *classes) {
    places unused;
    Py_ssize_t count = 0;
    const Py_ssize_t most = classes == nullptr ? static_cast<Py_ssize_t>(std::strlen(codes))
                                               : PyTuple_GET_SIZE(classes);
    parameters.reserve(static_cast<std::size_t>(most > 0 ? most - 1 : 0));
    for (; *codes != '\0' && count < most; ++count) {
        parameter one;
        const std::size_t length = parse_type(codes, one);
        codes += length;
        if (length == 0 ||
            !take_class(state, classes == nullptr ? Py_None : PyTuple_GET_ITEM(classes, count),
                        one) ||
            !(count == 0 ? is_result(one) : is_parameter(one))) {
            return false;
        }
        if (one.code != type::none && !one.form.in_one_register()) {
            fits_frame = false;
        }
        if (count == 0) {
            result = std::move(one);
        } else {
            one.offset = unused.next(one.form);
            parameters.push_back(std::move(one));
        }
    }
    if (count == 0 || *codes != '\0' || (classes != nullptr && count != most)) {
        PyErr_SetString(PyExc_ValueError,
                        "a signature needs a code and a class (or None) for the result and for "
                        "each parameter");
        return false;
    }
    return have_counts(parameters);
}

} // namespace epy
