// The file that an address lies in, as the kernel tells it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "loader/bootstrap/mapped_file.h"
#include "loader/maps.h"

namespace {

constexpr const char *maps =
    "55d0a000-55d0b000 r--p 00000000 08:01 4242                       /usr/bin/a host\n"
    "55d0b000-55d0c000 r-xp 00001000 08:01 4243                       /a\\012b.so\n"
    "55d0c000-55d0d000 rw-p 00000000 00:00 0 \n"
    "55d0d000-55d0e000 rw-p 00000000 00:00 0                          [heap]\n"
    "55d0e000-55d0f000 r--p 00000000 08:01 4244                       /gone/x.so (deleted)\n"
    "55d0f000-55d10000 r--p 00000000 00:01 4245                       /memfd:x (deleted)\n"
    "7fff0000-7fff1000 r--p 00000000 08:01 4246                       /last";

TEST(mapped_file, names_the_file_of_an_address) {
    EXPECT_EQ(epy::range_in_maps(maps, 0x55d0a000).file, "/usr/bin/a host");
    EXPECT_EQ(epy::range_in_maps(maps, 0x55d0afff).file, "/usr/bin/a host");
    EXPECT_EQ(epy::range_in_maps(maps, 0x7fff0800).file, "/last");
}

TEST(mapped_file, reads_what_the_kernel_marks) {
    EXPECT_EQ(epy::range_in_maps(maps, 0x55d0b000).file, "/a\nb.so");
    EXPECT_EQ(epy::range_in_maps(maps, 0x55d0e000).file, "/gone/x.so");
}

TEST(mapped_file, is_empty_where_there_is_no_file) {
    for (const std::uintptr_t address : {0x55d0c000U, 0x55d0d000U, 0x55d0f000U, 0x7fff1000U, 0U}) {
        EXPECT_EQ(epy::range_in_maps(maps, address).file, "") << address;
    }
    EXPECT_EQ(epy::range_in_maps("", 1).file, "");
    EXPECT_EQ(epy::range_in_maps("nonsense\n\n-\n1-\n1-2\n0-9 r", 1).file, "");
}

TEST(mapped_file, knows_the_place_in_the_file) {
    const epy::mapped_range found = epy::range_in_maps(maps, 0x55d0b800);
    EXPECT_EQ(found.begin, 0x55d0b000U);
    EXPECT_EQ(found.end, 0x55d0c000U);
    EXPECT_EQ(found.offset, 0x1000U);
}

constexpr std::size_t page = 4096;

// What is found of a page that is mapped alone, a page's distance from all else.
std::string found_of(int file) {
    auto *pages =
        static_cast<char *>(mmap(nullptr, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mmap(pages + page, page, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
    const auto begin = reinterpret_cast<std::uintptr_t>(pages + page);
    EXPECT_EQ(epy::file_mapped_at(begin, begin + 2 * page), "");
    EXPECT_EQ(epy::file_mapped_at(begin - page, begin), "");
    std::string found = epy::file_mapped_at(begin, begin + page);
    munmap(pages, 3 * page);
    return found;
}

TEST(mapped_file, is_found_by_where_it_is_mapped) {
    char name[] = "/tmp/epy mapped.XXXXXX";
    const int file = mkstemp(name);
    ASSERT_EQ(ftruncate(file, page), 0);
    EXPECT_EQ(found_of(file), name);
    const std::string other = std::string(name) + "\nrenamed";
    ASSERT_EQ(std::rename(name, other.c_str()), 0);
    EXPECT_EQ(found_of(file), other);
    unlink(other.c_str());
    EXPECT_EQ(found_of(file), other);
    close(file);
    const int memory = memfd_create("x", 0);
    ASSERT_EQ(ftruncate(memory, page), 0);
    EXPECT_EQ(found_of(memory), "");
    close(memory);
}

TEST(mapped_file, knows_this_program) {
    char *absolute = realpath("/proc/self/exe", nullptr);
    EXPECT_EQ(epy::file_of(reinterpret_cast<const void *>(&maps)), absolute);
    std::free(absolute);
}

} // namespace
