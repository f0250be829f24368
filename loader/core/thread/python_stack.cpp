#include "loader/core/thread/python_stack.h"

#include "loader/core/thread/stack.h"

namespace epy {

namespace {

constinit thread_local python_stack *innermost [[gnu::tls_model("initial-exec")]] = nullptr;

} // namespace

python_stack::python_stack(PyThreadState *state) noexcept {
    if (!cpython::looks_at_stack_pointers || state == nullptr || stacks.low == stacks.thread_low) {
        return;
    }
    state_ = state;
    low_ = reinterpret_cast<void *>(stacks.low);
    outer_ = innermost;
    innermost = this;
    cpython::use_stack(state_, low_, own_stack_size);
}

python_stack::~python_stack() {
    if (state_ == nullptr) {
        return;
    }
    innermost = outer_;
    if (is_gone_) {
        return;
    }
    const python_stack *before = outer_;
    while (before != nullptr && before->state_ != state_) {
        before = before->outer_;
    }
    if (before != nullptr) {
        cpython::use_stack(state_, before->low_, own_stack_size);
    } else {
        cpython::use_threads_stack(state_);
    }
}

} // namespace epy
