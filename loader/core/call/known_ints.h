// Whether ints, floats and functions are laid out as the fast path of a call believes: tried in the
// running Python. Nothing of Python's is written to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "loader/core/call/reuse.h"

namespace epy {

#ifdef EPY_REUSE

// Where the numbers of digits and the digits are, by `Ints`. -1 with an exception, 0 or 1.
template <typename Ints> int are_ints_laid_out_by() {
    constexpr std::size_t head = sizeof(PyObject);
    constexpr std::size_t most_digits = 3;
    constexpr auto end_of = [](std::size_t digits) {
        return cpython::ints::place_of_digits() + digits * sizeof(digit);
    };
    const ref largest(PyLong_FromLongLong(INT64_MAX));
    if (!largest) {
        return -1;
    }
    const std::int64_t one_digit = PyLong_MASK;
    for (const std::int64_t value : {cpython::largest_kept_int + 1, one_digit, one_digit + 1,
                                     std::int64_t{1} << 59U, std::int64_t{1} << 61U, INT64_MAX}) {
        for (const std::int64_t signed_value : {value, -value}) {
            const ref number(PyLong_FromLongLong(signed_value));
            if (!number) {
                return -1;
            }
            const std::size_t digits = value <= one_digit               ? 1
                                       : value >> 2 * PyLong_SHIFT == 0 ? 2
                                                                        : most_digits;
            alignas(PyLongObject) std::byte written[end_of(most_digits + 1)];
            std::memcpy(written, largest.get(), end_of(most_digits));
            argument_objects::write<Ints>(reinterpret_cast<PyLongObject *>(written), signed_value);
            const auto *real = reinterpret_cast<const std::byte *>(number.get());
            std::int64_t read = 0;
            const bool is_short =
                Ints::read_short(reinterpret_cast<const PyLongObject *>(number.get()), read);
            if (!std::equal(written + head, written + end_of(digits), real + head) ||
                is_short != (value <= one_digit) || (is_short && read != signed_value)) {
                return 0;
            }
        }
    }
    return 1;
}

#endif

} // namespace epy
