#include "loader/core/call/reuse.h"

namespace epy {

#ifdef EPY_REUSE

PyObject *argument_objects::small_ints[largest - smallest + 1];

bool argument_objects::prepare() {
    for (std::int64_t value = smallest; value <= largest; ++value) {
        PyObject *number = PyLong_FromLongLong(value);
        if (number == nullptr) {
            return false;
        }
        Py_XSETREF(small_ints[value - smallest], number);
    }
    return true;
}

Py_ssize_t argument_objects::write_rest(PyLongObject *number, std::uint64_t magnitude) noexcept {
    digit *digits = digits_of(number);
    digits[1] = static_cast<digit>(magnitude >> PyLong_SHIFT & PyLong_MASK);
    if (magnitude >> 2 * PyLong_SHIFT == 0) {
        return 2;
    }
    digits[2] = static_cast<digit>(magnitude >> 2 * PyLong_SHIFT);
    return 3;
}

#endif

} // namespace epy
