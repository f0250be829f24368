#include "loader/core/call/reuse.h"

#include <cstddef>

#include "loader/core/call/known_ints.h"
#include "loader/core/process_lock.h"
#include "loader/core/values/ctypes_library.h"
#include "loader/log.h"

namespace epy {

namespace {

// For whoever wonders why calls are slow. Under the process's lock.
void say_that_it_is_unknown() noexcept {
    static bool said = false;
    if (!said) {
        said = true;
        say(log_level::debug, "epy: this Python's objects are laid out as epy does not know: calls "
                              "make new ones for their arguments");
    }
}

} // namespace

#ifdef EPY_REUSE

PyObject *argument_objects::small_ints[largest - smallest + 1];
bool argument_objects::layout_is_known = false;

namespace {

bool are_types_known() noexcept {
    return PyLong_Type.tp_basicsize == cpython::ints::place_of_digits() &&
           PyLong_Type.tp_itemsize == sizeof(digit) && PyLong_Type.tp_free == PyObject_Free &&
           PyFloat_Type.tp_basicsize == sizeof(PyFloatObject) &&
           PyFunction_Type.tp_vectorcall_offset == offsetof(PyFunctionObject, vectorcall);
}

} // namespace

// Once in the process: interpreters share the small numbers, and calls in one of them read what is
// found here while another one begins.
bool argument_objects::prepare() {
    static bool is_prepared = false;
    const process_guard guard;
    if (is_prepared) {
        return true;
    }
    bool each_exists_once = true;
    for (std::int64_t value = smallest; value <= largest; ++value) {
        PyObject *number = PyLong_FromLongLong(value);
        if (number == nullptr) {
            return false;
        }
        const ref again(PyLong_FromLongLong(value));
        each_exists_once = each_exists_once && again.get() == number;
        Py_XSETREF(small_ints[value - smallest], number);
    }
    const int laid_out = are_types_known() ? are_ints_laid_out_by<cpython::ints>() : 0;
    if (laid_out < 0) {
        return false;
    }
    layout_is_known = laid_out == 1 && each_exists_once;
    if (!layout_is_known) {
        say_that_it_is_unknown();
    }
    is_prepared = true;
    return true;
}

bool argument_objects::stays_pointer(argument &one) noexcept {
    if (one.memory != nullptr && Py_REFCNT(one.object) == 2 && one.for_one_call &&
        ctypes::has_nothing_of_its_own(one.object)) {
        one.for_one_call = false;
        Py_DECREF(one.object);
        return true;
    }
    one.memory = nullptr;
    return false;
}

Py_ssize_t argument_objects::write_rest(digit *digits, std::uint64_t magnitude) noexcept {
    digits[1] = static_cast<digit>(magnitude >> PyLong_SHIFT & PyLong_MASK);
    if (magnitude >> 2 * PyLong_SHIFT == 0) {
        return 2;
    }
    digits[2] = static_cast<digit>(magnitude >> 2 * PyLong_SHIFT);
    return 3;
}

#else

bool argument_objects::prepare() {
    const process_guard guard;
    say_that_it_is_unknown();
    return true;
}

#endif

} // namespace epy
