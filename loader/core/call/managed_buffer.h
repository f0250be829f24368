// The buffers behind views, as the list that a call has of its own.
#pragma once

#include <utility>

#include "loader/core/py.h"

namespace epy {

inline _PyManagedBufferObject &as_managed(PyObject *object) {
    return *reinterpret_cast<_PyManagedBufferObject *>(object);
}

inline PyObject *next_of(PyObject *managed) {
    return static_cast<PyObject *>(as_managed(managed).master.internal);
}

// Takes the first off a list of them.
inline ref take_first(PyObject *&list) {
    ref first(list);
    if (first) {
        list = static_cast<PyObject *>(
            std::exchange(as_managed(first.get()).master.internal, nullptr));
    }
    return first;
}

} // namespace epy
