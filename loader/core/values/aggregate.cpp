// How structs and unions travel: psABI x86-64, 3.2.3, "Classification".
#include <charconv>
#include <cstring>

#include "loader/core/values/types.h"

namespace epy {

namespace {

constexpr std::uint32_t most_in_registers = 16;

eightbyte merge(eightbyte a, eightbyte b) {
    if (a == b || b == eightbyte::none) {
        return a;
    }
    if (a == eightbyte::none) {
        return b;
    }
    const auto either = [&](eightbyte wanted) { return a == wanted || b == wanted; };
    if (either(eightbyte::memory)) {
        return eightbyte::memory;
    }
    if (either(eightbyte::integer)) {
        return eightbyte::integer;
    }
    if (either(eightbyte::x87) || either(eightbyte::x87_up)) {
        return eightbyte::memory;
    }
    return eightbyte::sse;
}

void to_memory(shape &whole) {
    whole.parts[0] = eightbyte::memory;
    whole.parts[1] = eightbyte::none;
}

// False if it does not lie in the aggregate.
bool add_member(shape &whole, const shape &member, std::uint32_t offset) {
    if (member.size == 0 || offset > whole.size || member.size > whole.size - offset) {
        return false;
    }
    if (whole.parts[0] == eightbyte::memory || offset % member.alignment != 0) {
        to_memory(whole);
        return true;
    }
    for (std::uint32_t i = 0; i < 2 && member.parts[i] != eightbyte::none; ++i) {
        eightbyte &part = whole.parts[offset / 8 + i];
        part = merge(part, member.parts[i]);
    }
    return true;
}

void clean_up(shape &whole) {
    const bool memory = whole.size > most_in_registers || whole.parts[0] == eightbyte::memory ||
                        whole.parts[1] == eightbyte::memory ||
                        (whole.parts[1] == eightbyte::x87_up && whole.parts[0] != eightbyte::x87);
    if (memory) {
        to_memory(whole);
    }
}

class reader {
public:
    explicit reader(const char *text) : here_(text), end_(text + std::strlen(text)) {}

    bool skip(char wanted) {
        const bool found = here_ != end_ && *here_ == wanted;
        here_ += found ? 1 : 0;
        return found;
    }
    std::optional<type> code() { return here_ == end_ ? std::nullopt : type_of(*here_++); }
    bool number(std::uint32_t &out) {
        const auto [behind, problem] = std::from_chars(here_, end_, out);
        here_ = behind;
        return problem == std::errc();
    }
    [[nodiscard]] const char *here() const { return here_; }

private:
    const char *here_;
    const char *end_;
};

} // namespace

std::size_t parse_aggregate(const char *text, shape &out) {
    reader rest(text);
    out = {};
    if (!rest.skip('{') || !rest.number(out.size) || !rest.skip(',') ||
        !rest.number(out.alignment) || out.size == 0 || out.alignment == 0) {
        return 0;
    }
    while (rest.skip(';')) {
        const std::optional<type> code = rest.code();
        std::uint32_t offset = 0;
        if (!code || !rest.number(offset)) {
            return 0;
        }
        if (out.size <= most_in_registers && !add_member(out, shape_of(*code), offset)) {
            return 0;
        }
    }
    clean_up(out);
    return rest.skip('}') ? static_cast<std::size_t>(rest.here() - text) : 0;
}

} // namespace epy
