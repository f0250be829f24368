// The slots of types whose objects are nothing but owned references behind the head.
#pragma once

#include <cstddef>

#include "loader/core/py.h"

namespace epy {

template <typename Object> struct owned_references {
    static constexpr std::size_t count = (sizeof(Object) - sizeof(PyObject)) / sizeof(PyObject *);

    static PyObject **of(PyObject *object) noexcept {
        return reinterpret_cast<PyObject **>(object + 1);
    }

    static int traverse(PyObject *object, visitproc visit, void *arg) noexcept {
        Py_VISIT(Py_TYPE(object));
        for (std::size_t index = 0; index < count; ++index) {
            Py_VISIT(of(object)[index]);
        }
        return 0;
    }

    static int clear(PyObject *object) noexcept {
        for (std::size_t index = 0; index < count; ++index) {
            Py_CLEAR(of(object)[index]);
        }
        return 0;
    }

    static void deallocate(PyObject *object) noexcept {
        PyTypeObject *type = Py_TYPE(object);
        PyObject_GC_UnTrack(object);
        clear(object);
        type->tp_free(object);
        Py_DECREF(type);
    }
};

} // namespace epy
