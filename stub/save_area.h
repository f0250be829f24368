// What the resolver needs to know of the CPU to keep every argument register (registers.S.h).
#pragma once

#include <cstdint>

extern "C" {
// 0 until detected, then EPY_SAVE_*. Written last.
extern std::uint32_t epy_save_kind;
// Bytes of stack, a multiple of 64.
extern std::uint32_t epy_save_size;
// State components (Intel SDM vol. 1, 13.1).
extern std::uint32_t epy_save_mask;
void epy_detect_save_kind() noexcept;
}
