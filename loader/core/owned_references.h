// Owned references that lie one behind the other with nothing between them: those of the module's
// state, and of objects that are no more than these. The one way to visit and to drop many.
#pragma once

#include <cstddef>

#include "loader/core/deallocate.h"

namespace epy {

// To any object: a class is one too.
using owned_reference [[gnu::may_alias]] = PyObject *;

// Of a struct that has nothing else.
template <typename References> struct owned_references {
    static_assert(alignof(References) == alignof(PyObject *));
    static constexpr std::size_t count = sizeof(References) / sizeof(PyObject *);

    static int traverse(References &all, visitproc visit, void *arg) noexcept {
        auto *const first = reinterpret_cast<owned_reference *>(&all);
        for (std::size_t index = 0; index < count; ++index) {
            Py_VISIT(first[index]);
        }
        return 0;
    }

    static void clear(References &all) noexcept {
        auto *const first = reinterpret_cast<owned_reference *>(&all);
        for (std::size_t index = 0; index < count; ++index) {
            PyObject *const dropped = std::exchange(first[index], nullptr);
            Py_XDECREF(dropped);
        }
    }
};

// The slots of a type whose objects have nothing else behind the head.
template <typename Object> struct object_of_references {
    struct references {
        PyObject *all[(sizeof(Object) - sizeof(PyObject)) / sizeof(PyObject *)];
    };
    static references &of(PyObject *object) noexcept {
        return *reinterpret_cast<references *>(object + 1);
    }

    static int traverse(PyObject *object, visitproc visit, void *arg) noexcept {
        Py_VISIT(Py_TYPE(object));
        return owned_references<references>::traverse(of(object), visit, arg);
    }

    static int clear(PyObject *object) noexcept {
        owned_references<references>::clear(of(object));
        return 0;
    }

    static void deallocate(PyObject *object) noexcept { epy::deallocate<clear>(object); }
};

} // namespace epy
