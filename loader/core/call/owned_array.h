// The objects that a call passes to Python.
#pragma once

#include <cstddef>
#include <new>

#include "loader/core/py.h"

namespace epy {

// Owned references, released whatever happens: few on the stack, more on the heap.
class owned_array {
public:
    explicit owned_array(std::size_t capacity)
        : items_(capacity < few ? small_ : new (std::nothrow) PyObject *[capacity + 1]) {}
    ~owned_array() {
        for (std::size_t i = 1; i <= count_; ++i) {
            Py_DECREF(items_[i]);
        }
        if (items_ != small_) {
            delete[] items_;
        }
    }
    owned_array(const owned_array &) = delete;
    owned_array &operator=(const owned_array &) = delete;

    // False if there is no memory.
    explicit operator bool() const noexcept { return items_ != nullptr; }
    void push(PyObject *object) noexcept { items_[++count_] = object; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    // The callee may use the item before the first one (PY_VECTORCALL_ARGUMENTS_OFFSET).
    [[nodiscard]] PyObject **data() noexcept { return items_ + 1; }

private:
    static constexpr std::size_t few = 16;

    PyObject *small_[few + 1];
    PyObject **items_;
    std::size_t count_ = 0;
};

} // namespace epy
