#include "loader/inflate.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

namespace epy {

namespace {

constexpr unsigned longest_code = 15;
constexpr unsigned literals = 288;
constexpr unsigned distances = 32;
constexpr unsigned end_of_block = 256;

// Bits from the lowest of each byte on. Behind the end there are none: `ended` tells.
class bit_reader {
public:
    bit_reader(const char *start, std::size_t size) : next_(start), end_(start + size) {}

    unsigned take(unsigned count) {
        while (held_ < count) {
            if (next_ == end_) {
                ended_ = true;
                return 0;
            }
            bits_ |= std::uint64_t{static_cast<unsigned char>(*next_++)} << held_;
            held_ += 8;
        }
        const auto taken = static_cast<unsigned>(bits_ & ((std::uint64_t{1} << count) - 1));
        bits_ >>= count;
        held_ -= count;
        return taken;
    }
    // The rest of a byte that has begun goes; no byte is ever held whole.
    void go_to_byte() { bits_ = held_ = 0; }
    [[nodiscard]] bool ended() const { return ended_; }

private:
    const char *next_;
    const char *end_;
    std::uint64_t bits_ = 0;
    unsigned held_ = 0;
    bool ended_ = false;
};

// A Huffman code: those of a length are numbers in a row, and shorter ones come first.
class code_table {
public:
    // False if the lengths make no code. One that is not complete is none either, unless it has a
    // single symbol, or none.
    bool make(std::span<const std::uint8_t> lengths) {
        counts_.fill(0);
        for (const std::uint8_t length : lengths) {
            ++counts_[length];
        }
        counts_[0] = 0;
        std::array<std::uint16_t, longest_code + 2> place{};
        int free = 1;
        for (unsigned length = 1; length <= longest_code; ++length) {
            free = 2 * free - counts_[length];
            place[length + 1] = static_cast<std::uint16_t>(place[length] + counts_[length]);
            if (free < 0) {
                return false;
            }
        }
        const unsigned used = place[longest_code + 1];
        for (unsigned symbol = 0; symbol < lengths.size(); ++symbol) {
            if (lengths[symbol] != 0) {
                symbols_[place[lengths[symbol]]++] = static_cast<std::uint16_t>(symbol);
            }
        }
        return free == 0 || used <= 1;
    }

    // No symbol: `literals`, which is none.
    unsigned next(bit_reader &bits) const {
        unsigned code = 0;
        unsigned first = 0; // code of this length
        unsigned place = 0; // of its symbol
        for (unsigned length = 1; length <= longest_code && !bits.ended(); ++length) {
            code = 2 * code + bits.take(1);
            first *= 2;
            if (code < first + counts_[length]) {
                return symbols_[place + code - first];
            }
            first += counts_[length];
            place += counts_[length];
        }
        return literals;
    }

private:
    std::array<std::uint16_t, longest_code + 1> counts_{};
    std::array<std::uint16_t, literals> symbols_{};
};

class inflater {
public:
    inflater(const char *stream, std::size_t stream_size, char *output, std::size_t size)
        : bits_(stream, stream_size), output_(output), size_(size) {}

    bool run() {
        bool is_last = false;
        while (!is_last) {
            is_last = bits_.take(1) == 1;
            if (bits_.ended() || !run_block(bits_.take(2))) {
                return false;
            }
        }
        return done_ == size_;
    }

private:
    bool run_block(unsigned kind) {
        switch (kind) {
        case 0:
            return copy_stored();
        case 1:
            return make_usual_tables() && decode();
        case 2:
            return read_tables() && decode();
        default:
            return false;
        }
    }

    bool copy_stored() {
        bits_.go_to_byte();
        const unsigned count = bits_.take(16);
        if ((bits_.take(16) ^ count) != 0xffff) {
            return false;
        }
        for (unsigned i = 0; i < count && !bits_.ended(); ++i) {
            if (!put(static_cast<char>(bits_.take(8)))) {
                return false;
            }
        }
        return !bits_.ended();
    }

    bool make_usual_tables() {
        std::array<std::uint8_t, literals> lengths{};
        for (unsigned i = 0; i < literals; ++i) {
            lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
        }
        std::array<std::uint8_t, distances> same{};
        same.fill(5);
        return literal_.make(lengths) && distance_.make(same);
    }

    // The lengths of both codes, which are themselves in a code.
    bool read_tables() {
        constexpr std::array<std::uint8_t, 19> order = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                        11, 4,  12, 3, 13, 2, 14, 1, 15};
        const unsigned literal_count = bits_.take(5) + 257;
        const unsigned count = literal_count + bits_.take(5) + 1;
        const unsigned given = bits_.take(4) + 4;
        std::array<std::uint8_t, order.size()> own{};
        for (unsigned i = 0; i < given; ++i) {
            own[order[i]] = static_cast<std::uint8_t>(bits_.take(3));
        }
        std::array<std::uint8_t, literals + distances> lengths{};
        if (literal_count > literals || !literal_.make(own)) {
            return false;
        }
        for (unsigned i = 0; i < count;) {
            const unsigned symbol = literal_.next(bits_);
            if (symbol < 16) {
                lengths[i++] = static_cast<std::uint8_t>(symbol);
                continue;
            }
            if (symbol > 18 || (symbol == 16 && i == 0)) {
                return false;
            }
            const std::uint8_t again = symbol == 16 ? lengths[i - 1] : 0;
            unsigned times = symbol == 16   ? 3 + bits_.take(2)
                             : symbol == 17 ? 3 + bits_.take(3)
                                            : 11 + bits_.take(7);
            for (; times > 0; --times) {
                if (i == count) {
                    return false;
                }
                lengths[i++] = again;
            }
        }
        const std::span<const std::uint8_t> all(lengths);
        return !bits_.ended() && lengths[end_of_block] != 0 &&
               literal_.make(all.first(literal_count)) &&
               distance_.make(all.subspan(literal_count, count - literal_count));
    }

    bool decode() {
        for (;;) {
            const unsigned symbol = literal_.next(bits_);
            if (symbol < end_of_block) {
                if (!put(static_cast<char>(symbol))) {
                    return false;
                }
            } else if (symbol == end_of_block) {
                return true;
            } else if (symbol >= 286 || !copy(symbol - 257)) {
                return false;
            }
        }
    }

    // Bytes that came before, once more.
    bool copy(unsigned symbol) {
        unsigned count = 258;
        if (symbol < 8) {
            count = 3 + symbol;
        } else if (symbol < 28) {
            const unsigned extra = symbol / 4 - 1;
            count = ((4 + symbol % 4) << extra) + 3 + bits_.take(extra);
        }
        const unsigned code = distance_.next(bits_);
        if (code >= 30) {
            return false;
        }
        std::size_t back = 1 + code;
        if (code >= 4) {
            const unsigned extra = code / 2 - 1;
            back = ((2 + code % 2) << extra) + 1 + bits_.take(extra);
        }
        if (bits_.ended() || back > done_ || count > size_ - done_) {
            return false;
        }
        for (; count > 0; --count, ++done_) {
            output_[done_] = output_[done_ - back];
        }
        return true;
    }

    bool put(char byte) {
        if (done_ == size_ || bits_.ended()) {
            return false;
        }
        output_[done_++] = byte;
        return true;
    }

    bit_reader bits_;
    char *output_;
    std::size_t size_;
    std::size_t done_ = 0;
    code_table literal_;
    code_table distance_;
};

} // namespace

bool inflate(const char *stream, std::size_t stream_size, char *output, std::size_t size) noexcept {
    return inflater(stream, stream_size, output, size).run();
}

unpacked_bytes unpack(const packed_bytes &packed) noexcept {
    if (packed.start == nullptr || packed.unpacked == 0) {
        return {packed.start, packed.size};
    }
    std::unique_ptr<char[]> own(new (std::nothrow) char[packed.unpacked]);
    if (own == nullptr || !inflate(packed.start, packed.size, own.get(), packed.unpacked)) {
        return {};
    }
    const char *start = own.get();
    return {start, packed.unpacked, std::move(own)};
}

} // namespace epy
