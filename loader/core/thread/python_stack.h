// Tells Python, for a scope, that this thread runs it on a stack of epy's, if it does: CPython 3.14
// and newer compare stack pointers with the ends of the thread's own stack.
#pragma once

#include "loader/core/cpython.h"

namespace epy {

class python_stack {
public:
    // With the GIL. No state, nothing to tell.
    explicit python_stack(PyThreadState *) noexcept;
    ~python_stack();
    python_stack(const python_stack &) = delete;
    python_stack &operator=(const python_stack &) = delete;

    // Nothing to tell any more.
    void state_is_gone() noexcept { is_gone_ = true; }

private:
    PyThreadState *state_ = nullptr; // that was told
    void *low_ = nullptr;
    python_stack *outer_ = nullptr; // that was told of another stack, below this call
    bool is_gone_ = false;
};

} // namespace epy
