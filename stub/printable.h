// Names of a host's, a file's or a script's in a line of epy's: it stays one line, and a terminal
// obeys nothing of it. Freestanding.
#pragma once

#include <cstddef>

namespace epy {

// How many bytes at `text` are one character that is not shown as it is: a control character of
// ASCII or Latin-1, or one that breaks a line or turns the direction of writing. 0 for others.
inline std::size_t size_of_control(const char *text) noexcept {
    const auto at = [text](int index) { return static_cast<unsigned char>(text[index]); };
    if (at(0) < ' ' || at(0) == 0x7f) {
        return at(0) == '\0' ? 0 : 1;
    }
    if (at(0) == 0xc2) {
        return at(1) >= 0x80 && at(1) < 0xa0 ? 2 : 0;
    }
    if (at(0) != 0xe2 || (at(1) != 0x80 && at(1) != 0x81) || at(2) < 0x80 || at(2) >= 0xc0) {
        return 0;
    }
    const bool turns = at(1) == 0x80 ? at(2) == 0x8e || at(2) == 0x8f || at(2) >= 0xa8
                                     : at(2) >= 0xa6 && at(2) <= 0xa9;
    return turns && !(at(1) == 0x80 && at(2) > 0xae) ? 3 : 0;
}

// Escapes them in place, "\x1b", as far as there is room: `room` bytes with the NUL. What does not
// fit is left out. The new length.
inline std::size_t make_printable(char *line, std::size_t size, std::size_t room) noexcept {
    constexpr char digits[] = "0123456789abcdef";
    constexpr std::size_t escape = 4;
    std::size_t here = 0;
    while (here < size) {
        const std::size_t control = size_of_control(line + here);
        if (control == 0) {
            ++here;
            continue;
        }
        char bytes[3];
        for (std::size_t index = 0; index < control; ++index) {
            bytes[index] = line[here + index];
        }
        const std::size_t longer = control * (escape - 1);
        if (size + longer >= room) {
            size = here;
            break;
        }
        for (std::size_t index = size; index-- > here + control;) {
            line[index + longer] = line[index];
        }
        for (std::size_t index = 0; index < control; ++index) {
            const auto byte = static_cast<unsigned char>(bytes[index]);
            line[here++] = '\\';
            line[here++] = 'x';
            line[here++] = digits[byte >> 4];
            line[here++] = digits[byte & 15];
        }
        size += longer;
    }
    line[size] = '\0';
    return size;
}

} // namespace epy
