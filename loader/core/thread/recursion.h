// Python's recursion limit, lowered for a scope to what fits on the stack (see stack.h).
//
// Each version counts down in fields of its thread state. CPython 3.14 compares stack pointers
// itself.
#pragma once

#include <algorithm>
#include <cstddef>

#include "loader/core/py.h"

namespace epy {

class recursion_limit {
public:
    // With the GIL.
    explicit recursion_limit(std::size_t levels) noexcept {
#if PY_VERSION_HEX < 0x030e0000
        state_ = PyThreadState_Get();
#if PY_VERSION_HEX >= 0x030c0000
        taken_ = lower(state_->py_recursion_remaining, levels);
        taken_in_c_ = lower(state_->c_recursion_remaining, levels);
#else
        // The limit itself stays: CPython takes the difference for the depth.
        taken_ = lower(state_->recursion_remaining, levels);
#endif
#endif
    }
    ~recursion_limit() {
#if PY_VERSION_HEX >= 0x030e0000
#elif PY_VERSION_HEX >= 0x030c0000
        state_->py_recursion_remaining += taken_;
        state_->c_recursion_remaining += taken_in_c_;
#else
        state_->recursion_remaining += taken_;
#endif
    }
    recursion_limit(const recursion_limit &) = delete;
    recursion_limit &operator=(const recursion_limit &) = delete;

private:
#if PY_VERSION_HEX < 0x030e0000
    static int lower(int &remaining, std::size_t levels) noexcept {
        const int most = static_cast<int>(std::min<std::size_t>(levels, 1U << 20U));
        const int taken = std::max(0, remaining - most);
        remaining -= taken;
        return taken;
    }

    PyThreadState *state_ = nullptr;
    int taken_ = 0;
#if PY_VERSION_HEX >= 0x030c0000
    int taken_in_c_ = 0;
#endif
#endif
};

} // namespace epy
