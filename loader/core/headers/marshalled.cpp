// A look at marshalled bytes before Python reads them. It trusts the counts in them: a damaged one
// makes it clear gigabytes of memory, or make code objects that crash. Here a count is at most what
// the bytes have room for, so that all of it takes a time and a memory in proportion to them.
#include "loader/core/headers/marshalled.h"

#include <cstddef>
#include <cstdint>

namespace epy {

namespace {

// Taken off the bytes; -1, which no count of a value is, if they end before.
std::int64_t take_count(std::string_view &bytes) {
    constexpr std::size_t width = 4;
    if (bytes.size() < width) {
        return -1;
    }
    std::uint32_t count = 0;
    for (std::size_t index = width; index-- != 0;) {
        count = count << 8 | static_cast<unsigned char>(bytes[index]);
    }
    bytes.remove_prefix(width);
    return static_cast<std::int32_t>(count);
}

// Takes a value off the bytes, of a tuple its start alone. How many values are due after it, as its
// items; -1 if it is damaged.
std::int64_t take_value(std::string_view &bytes) {
    const char kind = bytes.front();
    bytes.remove_prefix(1);
    std::int64_t size = 0;
    switch (kind) {
    case 'N':
    case 'T':
    case 'F':
        return 0;
    case 'i':
        size = 4;
        break;
    case 'g':
        size = 8;
        break;
    case 's':
    case 'u':
        size = take_count(bytes);
        break;
    case 'l': // the count has the sign, digits have two bytes
        size = take_count(bytes);
        size = (size < 0 ? -size : size) * 2;
        break;
    case '(':
        return take_count(bytes);
    default:
        return -1;
    }
    if (size < 0 || static_cast<std::size_t>(size) > bytes.size()) {
        return -1;
    }
    bytes.remove_prefix(static_cast<std::size_t>(size));
    return 0;
}

} // namespace

bool is_marshalled(std::string_view bytes) {
    for (std::size_t due = 1; due != 0; --due) {
        if (due > bytes.size()) { // each takes a byte at least
            return false;
        }
        const std::int64_t items = take_value(bytes);
        if (items < 0) {
            return false;
        }
        due += static_cast<std::size_t>(items);
    }
    return true;
}

} // namespace epy
