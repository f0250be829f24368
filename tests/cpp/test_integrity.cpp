// Damage is found: in the counts and addresses of stub_info, and in each byte that was stamped.
#include "stub/integrity.h"

#include <gtest/gtest.h>

#include <string_view>

#include "stub/checksum.h"
#include "stub_file.h"

namespace epy {

namespace {

using test::stub_file;

std::uint32_t checksum_of(std::string_view text) {
    crc32c sum;
    sum.add(text.data(), text.size());
    return sum.value();
}

TEST(Checksum, IsCrc32c) { // the values of RFC 3720, B.4
    EXPECT_EQ(checksum_of("123456789"), 0xe3069283U);
    EXPECT_EQ(checksum_of(std::string(32, '\0')), 0x8a9136aaU);
    EXPECT_EQ(checksum_of(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(Checksum, IsTheSameWithoutTheInstruction) {
    std::string text;
    for (int i = 0; i < 1000; ++i) {
        crc32c fast;
        crc32c slow;
        fast.add(text.data(), text.size());
        slow.add_by_tables(text.data(), text.size());
        ASSERT_EQ(fast.value(), slow.value()) << i;
        text += static_cast<char>(i * 37);
    }
}

TEST(Checksum, MayBeTakenInParts) {
    crc32c sum;
    sum.add("1234", 4);
    sum.add("56789", 5);
    EXPECT_EQ(sum.value(), checksum_of("123456789"));
}

class Integrity : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(stub_.open(), status::ok);
        ASSERT_EQ(stub_.name_slot("add", 0), status::ok);
        stamp_checksums(stub_.file(), info_);
        ASSERT_EQ(contents(), status::ok);
    }
    status contents() { return check_contents(stub_.file(), info_); }
    status places() { return check_places(stub_.file(), info_); }

    stub_file stub_;
    stub_info &info_ = stub_.info(); // before it is damaged
};

TEST_F(Integrity, IsGoneWithAnyByteOfStubInfo) {
    auto *bytes = reinterpret_cast<char *>(&info_);
    for (std::size_t i = 0; i < offsetof(stub_info, module_init); ++i) {
        if (i >= offsetof(stub_info, contract) && i < offsetof(stub_info, flags)) {
            continue; // looked at before
        }
        if (i >= offsetof(stub_info, kept) && i < offsetof(stub_info, errors)) {
            continue; // the dynamic loader's
        }
        bytes[i] ^= 4;
        EXPECT_TRUE(places() == status::damaged || contents() == status::damaged) << i;
        bytes[i] ^= 4;
    }
    EXPECT_EQ(contents(), status::ok);
}

TEST_F(Integrity, IsGoneWithAnyByteOfTheNames) {
    const stub_info &info = info_;
    const extent used[] = {{info.symbols.address, info.symbols_used * sizeof(Elf64_Sym)},
                           {info.strings.address, info.strings_used},
                           {info.versions.address, info.symbols_used * 2ULL},
                           {info.hash.address + 4, 4ULL * (1 + EPY_BUCKET_COUNT)}};
    for (const auto &[address, size] : used) {
        auto *bytes = static_cast<char *>(stub_.file().at(address, size));
        for (std::uint64_t i = 0; i < size; ++i) {
            bytes[i] ^= 1;
            EXPECT_EQ(contents(), status::damaged) << address + i;
            bytes[i] ^= 1;
        }
    }
}

TEST_F(Integrity, IsGoneWhenPlacesOverlap) {
    stub_info &info = info_;
    for (extent *one : {&info.slots, &info.symbols, &info.strings, &info.hash, &info.versions,
                        &info.definitions}) {
        const std::uint64_t address = one->address;
        one->address = info.self - info.self % 8;
        EXPECT_EQ(places(), status::damaged) << address;
        one->address = address;
    }
    EXPECT_EQ(places(), status::ok);
}

TEST_F(Integrity, IsGoneWhenAPlaceIsOutsideOrCannotBeWritten) {
    stub_info &info = info_;
    const std::uint64_t code = info.trampolines.address;
    const std::uint64_t read_only = info.self / 4096 * 4096 - 4096; // once it is relocated
    for (const std::uint64_t wrong : {std::uint64_t{0}, code, read_only, ~std::uint64_t{0} - 7,
                                      std::uint64_t{1} << 40U, info.self + (1U << 20U)}) {
        for (extent *one : {&info.slots, &info.symbols, &info.strings, &info.hash, &info.versions,
                            &info.definitions}) {
            const std::uint64_t right = one->address;
            one->address = wrong;
            EXPECT_EQ(places(), status::damaged) << wrong;
            one->address = right;
        }
    }
}

TEST_F(Integrity, IsGoneWhenTextsDoNotEnd) {
    stub_info &info = info_;
    for (std::uint64_t *text : {&info.loader_path, &info.libpython_path, &info.executable_path}) {
        *text = std::uint64_t{1} << 33U;
        EXPECT_EQ(places(), status::damaged);
        *text = 0;
        EXPECT_EQ(places(), status::ok);
    }
}

TEST_F(Integrity, IsNotAskedOfContractsWithoutChecksums) {
    info_.contract = 1;
    info_.start_checksum = 0;
    EXPECT_EQ(contents(), status::ok);
    EXPECT_EQ(stub_.open(), status::ok);
}

} // namespace

} // namespace epy
