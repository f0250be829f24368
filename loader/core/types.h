// The C types of signatures, and how System V x86-64 passes them (psABI 3.2.3).
#pragma once

#include <cstdint>
#include <optional>

#include "py.h"

namespace epy {

enum class type : std::uint8_t {
    none, // a void result
#define EPY_TYPE(code, name, c_type, family) name,
#include "types.def"
};

// From its code; "v" is none.
constexpr std::optional<type> type_of(char code) {
    switch (code) {
    case 'v':
        return type::none;
#define EPY_TYPE(code, name, c_type, family)                                                       \
    case code:                                                                                     \
        return type::name;
#include "types.def"
    default:
        return std::nullopt;
    }
}

constexpr std::uint8_t size_of(type which) {
    switch (which) {
    case type::none:
        return 0;
#define EPY_TYPE(code, name, c_type, family)                                                       \
    case type::name:                                                                               \
        return sizeof(c_type);
#include "types.def"
    }
    return 0;
}

// In a vector register, as opposed to a general one.
constexpr bool is_floating(type which) {
    return which == type::single_precision || which == type::double_precision;
}

} // namespace epy
