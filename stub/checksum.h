// CRC-32C (Castagnoli's polynomial): x86-64 processors since SSE4.2 compute eight bytes of it at a
// time, so that a start checks a plugin in microseconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace epy {

// One byte more, on any processor.
constexpr std::uint32_t crc32c_step(std::uint32_t state, std::uint8_t byte) noexcept {
    constexpr std::uint32_t polynomial = 0x82f63b78; // reflected
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
        state = (state >> 1U) ^ ((state & 1U) != 0 ? polynomial : 0);
    }
    return state;
}

class crc32c {
public:
    void add(const void *bytes, std::size_t size) noexcept;
    template <typename T> void add(const T &value) noexcept { add(&value, sizeof value); }
    [[nodiscard]] std::uint32_t value() const noexcept { return ~state_; }

    // What `add` does without the processor's help.
    void add_by_tables(const void *bytes, std::size_t size) noexcept;

private:
    std::uint32_t state_ = ~std::uint32_t{0};
};

} // namespace epy
