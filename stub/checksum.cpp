#include "stub/checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace epy {

namespace {

constexpr std::size_t word = sizeof(std::uint64_t);

// tables[k][b]: the byte b with k zeros behind it.
constexpr auto tables = [] {
    std::array<std::array<std::uint32_t, 256>, word> made{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        made[0][byte] = crc32c_step(0, static_cast<std::uint8_t>(byte));
        for (std::size_t k = 1; k < word; ++k) {
            made[k][byte] = crc32c_step(made[k - 1][byte], 0);
        }
    }
    return made;
}();

std::uint64_t load(const std::uint8_t *place) {
    std::uint64_t value = 0;
    std::memcpy(&value, place, sizeof value);
    return value;
}

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] std::uint32_t
by_instruction(std::uint64_t state, const std::uint8_t *place, std::size_t size) {
    for (; size >= word; size -= word, place += word) {
        state = _mm_crc32_u64(state, load(place));
    }
    auto narrow = static_cast<std::uint32_t>(state);
    for (; size > 0; --size, ++place) {
        narrow = _mm_crc32_u8(narrow, *place);
    }
    return narrow;
}
#endif

} // namespace

void crc32c::add_by_tables(const void *bytes, std::size_t size) noexcept {
    const auto *place = static_cast<const std::uint8_t *>(bytes);
    for (; size >= word; size -= word, place += word) {
        const std::uint64_t mixed = state_ ^ load(place);
        state_ = 0;
        for (std::size_t k = 0; k < word; ++k) {
            state_ ^= tables[word - 1 - k][(mixed >> (8 * k)) & 0xff];
        }
    }
    for (; size > 0; --size, ++place) {
        state_ = (state_ >> 8U) ^ tables[0][(state_ ^ *place) & 0xff];
    }
}

void crc32c::add(const void *bytes, std::size_t size) noexcept {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        state_ = by_instruction(state_, static_cast<const std::uint8_t *>(bytes), size);
        return;
    }
#endif
    add_by_tables(bytes, size);
}

} // namespace epy
