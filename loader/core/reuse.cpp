#include "reuse.h"

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

#endif

} // namespace epy
