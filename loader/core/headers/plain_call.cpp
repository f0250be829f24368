#include "loader/core/headers/plain_call.h"

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "loader/core/headers/ctypes_objects.h"
#include "loader/core/headers/stored_parts.h"
#include "loader/core/host/raised.h"
#include "loader/core/thread/context.h"
#include "loader/core/thread/unwinding.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/core/values/instance_layout.h"
#include "loader/core/values/plain_values.h"
#include "loader/core/values/pointed.h"

namespace epy {

namespace {

constexpr std::size_t most_general = 6;
constexpr std::size_t most_real = 8;

// The registers that a System V call passes: a function looks at those of its own parameters alone.
struct registers {
    std::uint64_t general[most_general] = {};
    double real[most_real]; // of which so many are set
    std::size_t reals = 0;
};

template <typename Result>
using any_function = Result(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                            std::uint64_t, std::uint64_t, double, double, double, double, double,
                            double, double, double);
template <typename Result>
using function_without_reals = Result(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t,
                                      std::uint64_t, std::uint64_t);

template <typename Result> Result call(void *function, const registers &with) {
    const auto &g = with.general;
    const auto &r = with.real;
    if (with.reals == 0) {
        return reinterpret_cast<function_without_reals<Result> *>(function)(g[0], g[1], g[2], g[3],
                                                                            g[4], g[5]);
    }
    return reinterpret_cast<any_function<Result> *>(function)(
        g[0], g[1], g[2], g[3], g[4], g[5], r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7]);
}

bool is_real(char code) { return code == 'd' || code == 'f'; }

// ---- arguments: false if it is not as plain as that, without an exception

// In the low half, where a float travels.
bool put_single(double value, double &out) {
    const auto single = static_cast<float>(value);
    if (std::isinf(single) && !std::isinf(value)) {
        return false;
    }
    out = 0;
    std::memcpy(&out, &single, sizeof single);
    return true;
}

bool put_real(char code, PyObject *value, double &out) {
    if (!PyFloat_CheckExact(value)) {
        return false;
    }
    out = PyFloat_AS_DOUBLE(value);
    return code == 'd' || put_single(out, out);
}

bool put_address(const void *address, std::uint64_t &out) {
    out = reinterpret_cast<std::uintptr_t>(address);
    return true;
}

bool put_text(PyObject *value, std::uint64_t &out) {
    if (PyBytes_Check(value)) {
        return put_address(PyBytes_AS_STRING(value), out);
    }
    const char *text = PyUnicode_Check(value) ? text_of(value) : nullptr;
    PyErr_Clear(); // ctypes' way says what is wrong with it
    return text != nullptr && put_address(text, out);
}

bool put_pointer(PyTypeObject *expected, PyObject *value, std::uint64_t &out) {
    void *const place = Py_TYPE(value) == expected ? place_of(value) : nullptr;
    PyErr_Clear();
    return place != nullptr && put_address(*static_cast<void **>(place), out);
}

bool put_general(PyObject *function, char code, Py_ssize_t index, PyObject *value,
                 std::uint64_t &out) {
    switch (code) {
    case '?':
        out = value == Py_True ? 1 : 0;
        return PyBool_Check(value);
    case 'P':
        if (PyLong_Check(value)) {
            out = PyLong_AsUnsignedLongLongMask(value);
            return true;
        }
        return value == Py_None || (PyBytes_Check(value) && put_text(value, out));
    case checks::text:
        return value == Py_None || put_text(value, out);
    case checks::pointer: {
        if (value == Py_None) {
            return true;
        }
        const ref all(PyObject_GetAttrString(type_of_object(function), ctypes::argument_types));
        PyErr_Clear();
        return all && PyTuple_Check(all.get()) && index < PyTuple_GET_SIZE(all.get()) &&
               put_pointer(reinterpret_cast<PyTypeObject *>(PyTuple_GET_ITEM(all.get(), index)),
                           value, out);
    }
    default:
        return PyLong_Check(value) && integer_of(value, code, out);
    }
}

bool put_all(PyObject *function, const char *codes, Py_ssize_t count, PyObject *arguments,
             registers &out) {
    std::uint64_t *general = out.general;
    for (Py_ssize_t index = 0; index < count; ++index) {
        PyObject *value = PyTuple_GET_ITEM(arguments, index);
        const char code = codes[index];
        if (is_real(code) ? !put_real(code, value, out.real[out.reals++])
                          : !put_general(function, code, index, value, *general++)) {
            return false;
        }
    }
    for (std::size_t index = out.reals; out.reals != 0 && index < most_real; ++index) {
        out.real[index] = 0;
    }
    return true;
}

// ---- the call

// What it throws is not ours, and Python's frames do not bear it.
template <typename Result> Result call_host_code(void *function, const registers &with) {
    try {
        return call<Result>(function, with);
    } catch (...) {
        left_by_exception();
    }
}

// The host's code runs, with errno and the GIL as it is to find them. No scope does that: a thread
// that ends in there, by pthread_exit, is to stay without the GIL.
template <typename Result>
Result call_as_found(void *function, const registers &with, int *error_number) {
    const found_gil found = running.found();
    PyThreadState *const state = found == found_gil::free ? PyEval_SaveThread() : nullptr;
    if (is_changed(found)) {
        state_change::take_back();
    }
    if (error_number != nullptr) {
        std::swap(errno, *error_number);
    }
    const Result result = call_host_code<Result>(function, with);
    leave_scopes_of_c_call();
    if (error_number != nullptr) {
        std::swap(errno, *error_number);
    }
    if (state != nullptr) {
        run_python([state] { restore_after_host.load(std::memory_order_acquire)(state); });
    } else if (is_changed(found)) {
        state_change::make_again();
    }
    return result;
}

// A value lies in the low end of its register.
template <typename Register>
PyObject *result_of(void *function, const registers &with, char code, int *error_number) {
    const auto result = call_as_found<Register>(function, with, error_number);
    return code == checks::no_result ? Py_NewRef(Py_None) : plain_value(code, &result);
}

ref call_with(void *function, const registers &with, char code, int *error_number) {
    const c_call outer = begin_c_call();
    PyObject *result = is_real(code) ? result_of<double>(function, with, code, error_number)
                                     : result_of<std::uint64_t>(function, with, code, error_number);
    return ref(end_c_call(outer, result));
}

} // namespace

bool checks::fit_registers(const std::string &parameters) {
    std::size_t real = 0;
    std::size_t general = 0;
    for (const char code : parameters) {
        if (code == by_ctypes || code == 'g' || code == 'Z') {
            return false;
        }
        ++(is_real(code) ? real : general);
    }
    return general <= most_general && real <= most_real;
}

char checks::of_result(const header_types &types, PyObject *ctype) {
    if (ctype == Py_None) {
        return no_result;
    }
    if (PyType_Check(ctype) == 0) {
        return by_ctypes;
    }
    const char code = code_of(types, ctype);
    const bool is_plain =
        code != '\0' && std::strchr(codes_of_plain_values, code) != nullptr &&
        reinterpret_cast<PyObject *>(reinterpret_cast<PyTypeObject *>(ctype)->tp_base) ==
            types.core->simple;
    return is_plain ? code : by_ctypes;
}

bool call_plainly(const header_types &types, PyObject *function, const char *codes,
                  Py_ssize_t count, PyObject *arguments, ref &result) {
    const auto &head = *reinterpret_cast<const checks::head *>(codes);
    registers with;
    if (head.result == checks::by_ctypes || !ctypes::is_as_its_class_says(function) ||
        !put_all(function, codes + sizeof head, count, arguments, with)) {
        return false;
    }
    int *const error_number = head.error_number == checks::keeps_errno
                                  ? ctypes::error_number_of_thread(types.name.error_number)
                                  : nullptr;
    void *const place = place_of(function);
    if ((head.error_number == checks::keeps_errno && error_number == nullptr) || place == nullptr ||
        *static_cast<void **>(place) == nullptr) {
        PyErr_Clear();
        return false;
    }
    void *const address = *static_cast<void **>(place);
    if (PySys_Audit("ctypes.call_function", "nO", reinterpret_cast<Py_ssize_t>(address),
                    arguments) == 0) {
        result = call_with(address, with, head.result, error_number);
    }
    return true;
}

} // namespace epy
