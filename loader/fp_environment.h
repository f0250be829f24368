// The floating-point environment that Python's code was compiled for.
//
// Some hosts unmask floating-point traps (Free Pascal, Lisp systems) or change the precision.
// Python computes with infinities and NaNs and would die there. So whatever enters Python runs in
// the default environment (psABI x86-64, 3.2.1: MXCSR 0x1f80, x87 control word 0x37f) and puts the
// host's back.
#pragma once

#include <cstdint>

namespace epy {

class fp_environment {
public:
    fp_environment() noexcept {
        __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr_), "=m"(control_));
        if ((mxcsr_ & ~status_flags) != default_mxcsr || control_ != default_control) [[unlikely]] {
            const std::uint32_t mxcsr = default_mxcsr;
            const std::uint16_t control = default_control;
            __asm__ volatile("fnclex\n\tldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
            changed_ = true;
        }
    }
    ~fp_environment() {
        if (changed_) [[unlikely]] {
            // Flags that Python raised would trap as soon as they are unmasked.
            __asm__ volatile("fnclex\n\tldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr_), "m"(control_));
        }
    }
    fp_environment(const fp_environment &) = delete;
    fp_environment &operator=(const fp_environment &) = delete;

private:
    static constexpr std::uint32_t status_flags = 0x3f;
    static constexpr std::uint32_t default_mxcsr = 0x1f80;
    static constexpr std::uint16_t default_control = 0x37f;

    std::uint32_t mxcsr_ = 0;
    std::uint16_t control_ = 0;
    bool changed_ = false;
};

} // namespace epy
