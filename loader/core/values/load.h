// A C value out of memory that need not be aligned for it.
#pragma once

#include <cstring>

namespace epy {

template <typename T> T load(const void *source) noexcept {
    T value;
    std::memcpy(&value, source, sizeof value);
    return value;
}

} // namespace epy
