// The C types of signatures, and how System V x86-64 passes them (psABI 3.2.3).
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "loader/core/py.h"
#include "stub/stub.h"

namespace epy {

enum class type : std::uint8_t {
    none,      // a void result
    aggregate, // a struct or union by value
#define EPY_TYPE(code, name, c_type, eightbytes) name,
#include "loader/core/values/types.def"
};

// From its code; "v" is none.
constexpr std::optional<type> type_of(char code) {
    switch (code) {
    case 'v':
        return type::none;
#define EPY_TYPE(code, name, c_type, eightbytes)                                                   \
    case code:                                                                                     \
        return type::name;
#include "loader/core/values/types.def"
    default:
        return std::nullopt;
    }
}

constexpr char code_of(type which) {
    switch (which) {
    case type::none:
        return 'v';
    case type::aggregate:
        return '{';
#define EPY_TYPE(code, name, c_type, eightbytes)                                                   \
    case type::name:                                                                               \
        return code;
#include "loader/core/values/types.def"
    }
    return 'v';
}

// Where eight bytes of a value travel. A long double is x87 and x87_up.
enum class eightbyte : std::uint8_t { none, integer, sse, x87, x87_up, memory };

// How a value lies in memory, and how it travels.
struct shape {
    std::uint32_t size = 0;
    std::uint32_t alignment = 0;
    eightbyte parts[2] = {}; // the first is memory if the value does not travel in registers

    [[nodiscard]] constexpr bool in_one_register() const {
        return size <= 8 && (parts[0] == eightbyte::integer || parts[0] == eightbyte::sse);
    }

    // As a result.
    [[nodiscard]] constexpr result_class returned() const {
        if (parts[0] == eightbyte::memory) {
            return result_class::memory;
        }
        if (parts[0] == eightbyte::x87) {
            return result_class::x87;
        }
        if (parts[0] == eightbyte::integer && parts[1] == eightbyte::sse) {
            return result_class::int_sse;
        }
        if (parts[0] == eightbyte::sse && parts[1] == eightbyte::integer) {
            return result_class::sse_int;
        }
        return result_class::registers;
    }
};

template <typename T> constexpr shape scalar_shape(eightbyte first) {
    eightbyte second = eightbyte::none;
    if (sizeof(T) > 8) {
        second = first == eightbyte::x87 ? eightbyte::x87_up : first;
    }
    return {sizeof(T), alignof(T), {first, second}};
}

// Of everything but an aggregate.
constexpr shape shape_of(type which) {
    switch (which) {
    case type::none:
    case type::aggregate:
        return {};
#define EPY_TYPE(code, name, c_type, eightbytes)                                                   \
    case type::name:                                                                               \
        return scalar_shape<c_type>(eightbyte::eightbytes);
#include "loader/core/values/types.def"
    }
    return {};
}

// A struct or union as Python describes it: "{16,8;i0;d8}" has 16 bytes, is aligned to 8, and holds
// an int at 0 and a double at 8. A description may leave out what lies in an aggregate of more than
// 16 bytes, which travels in memory whatever it is. Returns how much of the text it is; 0 if it is
// no description.
std::size_t parse_aggregate(const char *text, shape &out);

// A pointer that stands for a Python object (handles.h).
constexpr bool is_handle(type which) {
    return which == type::handle || which == type::consumed_handle;
}

} // namespace epy
