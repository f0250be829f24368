// Python.h, and an owned reference.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <utility>

namespace epy {

// Owns one reference, or is empty. A borrowed one is a plain PyObject *. Needs the GIL.
class ref {
public:
    ref() noexcept = default;
    explicit ref(PyObject *owned) noexcept : object_(owned) {}
    ref(ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ref &operator=(ref &&other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ref(const ref &) = delete;
    ref &operator=(const ref &) = delete;
    ~ref() { Py_XDECREF(object_); }

    static ref borrowed(PyObject *object) noexcept {
        Py_XINCREF(object);
        return ref(object);
    }

    [[nodiscard]] PyObject *get() const noexcept { return object_; }
    [[nodiscard]] PyObject *release() noexcept { return std::exchange(object_, nullptr); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    PyObject *object_ = nullptr;
};

} // namespace epy
