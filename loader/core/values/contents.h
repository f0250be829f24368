// The bytes of an object that has some, such as a ctypes instance, for a scope.
#pragma once

#include <cstddef>

#include "loader/core/py.h"

namespace epy {

class contents {
public:
    contents(PyObject *instance, int flags) noexcept {
        ok_ = PyObject_GetBuffer(instance, &view_, flags) == 0;
    }
    ~contents() {
        if (ok_) {
            PyBuffer_Release(&view_);
        }
    }
    contents(const contents &) = delete;
    contents &operator=(const contents &) = delete;

    explicit operator bool() const noexcept { return ok_; }
    [[nodiscard]] void *data() const noexcept { return view_.buf; }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(view_.len); }

private:
    Py_buffer view_{};
    bool ok_;
};

} // namespace epy
