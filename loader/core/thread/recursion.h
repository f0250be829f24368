// Python's recursion limit, lowered for a scope to what fits on the stack (see stack.h).
//
// CPython counts down in fields of its thread state; since 3.14 it compares stack pointers itself.
#pragma once

#include <algorithm>
#include <cstddef>

#include "loader/core/cpython.h"

namespace epy {

class recursion_limit {
public:
    // With the GIL.
    recursion_limit(PyThreadState *state, std::size_t levels) noexcept
        : left_(cpython::levels_left_of(state)), taken_(lower(left_.all, levels)),
          taken_in_c_(lower(left_.in_c, levels)) {}
    ~recursion_limit() {
        raise(left_.all, taken_);
        raise(left_.in_c, taken_in_c_);
    }
    recursion_limit(const recursion_limit &) = delete;
    recursion_limit &operator=(const recursion_limit &) = delete;

private:
    // The limit itself stays: CPython takes the difference for the depth.
    static int lower(int *left, std::size_t levels) noexcept {
        if (left == nullptr) {
            return 0;
        }
        const int most = static_cast<int>(std::min<std::size_t>(levels, 1U << 20U));
        const int taken = std::max(0, *left - most);
        *left -= taken;
        return taken;
    }

    static void raise(int *left, int taken) noexcept {
        if (left != nullptr) {
            *left += taken;
        }
    }

    const cpython::levels_left left_;
    const int taken_;
    const int taken_in_c_;
};

} // namespace epy
