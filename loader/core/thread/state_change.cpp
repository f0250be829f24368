#include "loader/core/thread/state_change.h"

#include <cerrno>

#include "loader/core/thread/context.h"
#include "loader/core/thread/gilstate.h"
#include "loader/core/thread/unwinding.h"

namespace epy {

constinit thread_local state_change *state_change::innermost = nullptr;

void state_change::begin(PyThreadState *found, PyThreadState *own,
                         PyThreadState *ensured) noexcept {
    found_ = found;
    own_ = own;
    ensured_ = ensured;
    run_python([=] {
        if (found == nullptr) {
            PyEval_RestoreThread(own);
        } else {
            PyThreadState_Swap(own);
        }
    });
    lead_ensure_to(own);
    outer_ = innermost;
    innermost = this;
}

void state_change::end(bool own_goes) noexcept {
    innermost = outer_;
    run_python([this, own_goes] {
        if (own_goes) {
            PyThreadState_Clear(own_);
        }
        lead_ensure_back(own_, ensured_); // also of one that stays: its interpreter may end
        if (found_ != nullptr) {
            PyThreadState_Swap(found_);
        }
        if (own_goes && found_ != nullptr) {
            PyThreadState_Delete(own_);
        } else if (own_goes) {
            PyThreadState_DeleteCurrent();
        } else if (found_ == nullptr) {
            PyEval_SaveThread();
        }
    });
}

void state_change::take_back() noexcept {
    const int number = errno;
    lead_ensure_to(innermost->ensured_);
    if (innermost->found_ == nullptr) {
        PyEval_SaveThread();
    } else {
        run_python([] { PyThreadState_Swap(innermost->found_); });
    }
    errno = number;
}

void state_change::make_again() noexcept {
    const int number = errno;
    innermost->ensured_ = PyGILState_GetThisThreadState();
    run_python([] {
        if (innermost->found_ == nullptr) {
            restore_after_host.load(std::memory_order_acquire)(innermost->own_);
        } else {
            innermost->found_ = PyThreadState_Swap(innermost->own_);
        }
    });
    lead_ensure_to(innermost->own_);
    errno = number;
}

} // namespace epy
