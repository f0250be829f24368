// What a pack has compressed is what zlib was given, and nothing else, whatever a damaged one says.
#include "loader/inflate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using bytes = std::vector<unsigned char>;

struct example {
    const char *kind;
    bytes stream; // of zlib
    std::string text;
};

const std::vector<example> &examples() {
    static const std::vector<example> all = {
        {"stored",
         {0x01, 0x08, 0x00, 0xf7, 0xff, 0x61, 0x73, 0x20, 0x69, 0x74, 0x20, 0x69, 0x73},
         "as it is"},
        {"the usual code",
         {0x4b, 0x4c, 0x4a, 0x4e, 0x84, 0x21, 0x85, 0xff, 0x13, 0x00},
         "abcabcabcabc \xff\x90"},
        {"a code of its own",
         {0x55, 0x51, 0xc1, 0x11, 0xc3, 0x30, 0x08, 0x5b, 0xc5, 0x23, 0x04, 0x8c, 0x81, 0x9c, 0xf7,
          0xe9, 0xb7, 0xfb, 0xff, 0x6a, 0x1c, 0xc9, 0xd7, 0xbc, 0xa2, 0x03, 0x09, 0xc9, 0x8a, 0xb6,
          0xef, 0xa7, 0x85, 0xce, 0x26, 0x05, 0x3a, 0x81, 0xf7, 0xd9, 0x62, 0x83, 0x6b, 0x36, 0x2f,
          0xa0, 0xce, 0xd5, 0xe2, 0x5c, 0x05, 0xec, 0xc6, 0x2a, 0x02, 0x93, 0xbc, 0xa1, 0xea, 0x36,
          0x5b, 0xdf, 0xab, 0x01, 0x95, 0x5d, 0xe0, 0x50, 0x9d, 0xcb, 0x21, 0x0b, 0x08, 0xae, 0x64,
          0x40, 0x33, 0x0c, 0x14, 0x3f, 0x13, 0xc7, 0xdd, 0xb8, 0x30, 0x31, 0x1a, 0xa4, 0x93, 0x93,
          0xb3, 0x19, 0x0c, 0x9e, 0x54, 0x02, 0x6b, 0xed, 0xd8, 0xc8, 0x0a, 0x33, 0xf6, 0x61, 0x03,
          0xc7, 0x79, 0xa6, 0x53, 0x5d, 0x81, 0xe3, 0xc5, 0xa9, 0xc9, 0x13, 0x47, 0x68, 0x75, 0x22,
          0xaf, 0x95, 0xee, 0x38, 0x8e, 0xc7, 0x54, 0x03, 0xdb, 0x42, 0x04, 0x77, 0xd2, 0xf8, 0xce,
          0x0e, 0xb2, 0x3b, 0xe4, 0x16, 0xac, 0x0b, 0xdf, 0xc1, 0x10, 0x49, 0x03, 0x85, 0x46, 0x05,
          0x57, 0xf4, 0x66, 0x8f, 0x03, 0x93, 0xd3, 0xc9, 0x20, 0xa7, 0xca, 0x19, 0xaf, 0x4e, 0x4e,
          0x88, 0xf3, 0xab, 0xea, 0xe7, 0x3d, 0xb1, 0x18, 0x3d, 0xe4, 0xaf, 0xff, 0x1f},
         "2 of 72; 1 of 32; 1 of 63; 7 of 60; 6 of 26; 1 of 62; 0 of 49; 6 of 77; 0 of 89; 7 of "
         "34; 3 of 75; 1 of 40; 0 of 2; 0 of 83; 8 of 1; 6 of 87; 3 of 54; 0 of 67; 3 of 56; 7 of "
         "70; 3 of 44; 3 of 86; 3 of 58; 4 of 2; 6 of 71; 1 of 23; 4 of 15; 5 of 64; 6 of 64; 3 of "
         "38; 4 of 75; 7 of 64; 6 of 75; 0 of 61; 3 of 51; 6 of 85; 2 of 46; 8 of 89; 5 of 11; 7 "
         "of 84; 8 of 13; 2 of 66; 6 of 47; 7 of 3; 7 of 5; 4 of 78; 6 of 82; 2 of 21; 8 of 29; 0 "
         "of 25; 8 of 70; 3 of 51; 8 of 44; 5 of 58; 4 of 84; 8 of 77; 0 of 49; 8 of 16; 8 of 71; "
         "3 of 54; "},
        {"nothing", {0x03, 0x00}, ""},
    };
    return all;
}

// The text that comes out, with guards on both sides; "no" if it is refused.
std::string inflated(const bytes &stream, std::size_t size) {
    constexpr std::size_t guard = 64;
    std::string output(guard + size + guard, '#');
    const bool whole = epy::inflate(reinterpret_cast<const char *>(stream.data()), stream.size(),
                                    output.data() + guard, size);
    EXPECT_EQ(output.substr(0, guard), std::string(guard, '#'));
    EXPECT_EQ(output.substr(guard + size), std::string(guard, '#'));
    return whole ? output.substr(guard, size) : "no";
}

TEST(Inflate, gives_what_was_compressed) {
    for (const example &one : examples()) {
        EXPECT_EQ(inflated(one.stream, one.text.size()), one.text) << one.kind;
    }
}

TEST(Inflate, refuses_another_size) {
    for (const example &one : examples()) {
        EXPECT_EQ(inflated(one.stream, one.text.size() + 1), "no") << one.kind;
        if (!one.text.empty()) {
            EXPECT_EQ(inflated(one.stream, one.text.size() - 1), "no") << one.kind;
        }
    }
}

TEST(Inflate, refuses_what_was_cut_short) {
    for (const example &one : examples()) {
        for (std::size_t size = 0; size < one.stream.size(); ++size) {
            const bytes cut(one.stream.begin(), one.stream.begin() + static_cast<long>(size));
            EXPECT_EQ(inflated(cut, one.text.size()), "no") << one.kind << ", " << size;
        }
    }
}

// In a copy of just its size, where a sanitizer sees each byte that is read behind it.
TEST(Inflate, stays_inside_whatever_a_stream_says) {
    for (const example &one : examples()) {
        for (std::size_t bit = 0; bit < 8 * one.stream.size(); ++bit) {
            bytes damaged(one.stream);
            damaged[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
            inflated(damaged, one.text.size());
        }
    }
}

} // namespace
