// What assembly and C++ believe about each other: trampolines lead to their own slots, and an error
// value reaches the registers that its result class names.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "loader/bootstrap/resolve.h"
#include "stub_file.h"

// The resolver of resolve_x86_64.S wants its other half, which needs a Python; no test here calls
// it.
extern "C" void epy_loader_resolve() {}

namespace epy {

namespace {

using test::stub_file;

// endbr64; mov slot(%rip),%r11; jmp *(%r11)
struct [[gnu::packed]] trampoline {
    unsigned char endbr64[4];
    unsigned char mov[3];
    std::int32_t distance;
    unsigned char jmp[3];
    unsigned char padding[2];
};
static_assert(sizeof(trampoline) == EPY_TRAMPOLINE_SIZE);

TEST(Layout, LetsEachTrampolineLoadItsOwnSlot) {
    stub_file stub;
    const stub_info &info = stub.info();
    ASSERT_EQ(info.slot_capacity, std::uint32_t{EPY_SLOT_CAPACITY});
    ASSERT_EQ(info.trampolines.size, std::uint64_t{EPY_SLOT_CAPACITY} * EPY_TRAMPOLINE_SIZE);
    ASSERT_EQ(info.slots.size, std::uint64_t{EPY_SLOT_CAPACITY} * sizeof(record *));
    const auto *all =
        static_cast<trampoline *>(stub.file().at(info.trampolines.address, info.trampolines.size));
    ASSERT_NE(all, nullptr);
    for (std::uint32_t i = 0; i < EPY_SLOT_CAPACITY; ++i) {
        const trampoline &one = all[i];
        ASSERT_EQ(std::memcmp(one.endbr64, "\xf3\x0f\x1e\xfa", 4), 0) << i;
        ASSERT_EQ(std::memcmp(one.mov, "\x4c\x8b\x1d", 3), 0) << i;
        ASSERT_EQ(std::memcmp(one.jmp, "\x41\xff\x23", 3), 0) << i;
        const std::uint64_t behind_mov = info.trampolines.address +
                                         std::uint64_t{i} * sizeof(trampoline) +
                                         offsetof(trampoline, jmp);
        ASSERT_EQ(behind_mov + std::uint64_t(one.distance), info.slots.address + 8ULL * i) << i;
    }
}

TEST(Layout, PutsTheInfoWhereTheStubSaysItIs) {
    stub_file stub;
    const stub_info &info = stub.info();
    EXPECT_EQ(stub.file().at(info.self, sizeof info), &info);
    EXPECT_EQ(info.slots_used, 0U);
    EXPECT_EQ(info.contract, contract_of_stub);
    // The first stage begins with endbr64, as everything that is entered by an indirect jump.
    EXPECT_EQ(std::memcmp(stub.file().at(info.resolver, 4), "\xf3\x0f\x1e\xfa", 4), 0);
    EXPECT_EQ(info.kept[0], 0U);
    EXPECT_EQ(info.kept[1], 0U);
}

struct registers {
    std::uint64_t rax;
    std::uint64_t rdx;
    double xmm0;
    double xmm1;
};

// Enters the error value as a trampoline does; `memory` is what %rdi points to.
registers error_value(const record &called, void *memory = nullptr) {
    registers found{};
    __asm__ volatile("mov %[called], %%r11\n\t"
                     "call *%[code]\n\t"
                     "movsd %%xmm0, %[xmm0]\n\t"
                     "movsd %%xmm1, %[xmm1]"
                     : "=&a"(found.rax),
                       "=&d"(found.rdx), [xmm0] "=m"(found.xmm0), [xmm1] "=m"(found.xmm1),
                       "+D"(memory)
                     : [called] "b"(&called), [code] "r"(epy_loader_error_value)
                     : "rcx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "memory", "cc");
    return found;
}

record with_error(result_class result, std::uint64_t first, std::uint64_t second) {
    return {nullptr, nullptr, 0, result, 0, {}, {first, second}, 0};
}

TEST(ErrorValue, FillsIntegerAndVectorRegistersAlike) {
    const record called = with_error(result_class::registers, UINT64_MAX, 7);
    const registers found = error_value(called);
    EXPECT_EQ(found.rax, UINT64_MAX);
    EXPECT_EQ(found.rdx, 7U);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(found.xmm0), UINT64_MAX);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(found.xmm1), 7U);
}

TEST(ErrorValue, SplitsAStructBetweenRegisters) {
    const auto half = std::bit_cast<std::uint64_t>(0.5);
    const registers integer_first = error_value(with_error(result_class::int_sse, 3, half));
    EXPECT_EQ(integer_first.rax, 3U);
    EXPECT_EQ(integer_first.xmm0, 0.5);
    const registers double_first = error_value(with_error(result_class::sse_int, half, 3));
    EXPECT_EQ(double_first.xmm0, 0.5);
    EXPECT_EQ(double_first.rax, 3U);
}

TEST(ErrorValue, LoadsALongDouble) {
    record called = with_error(result_class::x87, 0, 0);
    const long double wanted = -1.25L;
    std::memcpy(called.error, &wanted, 10);
    long double found = 0;
    __asm__ volatile("mov %[called], %%r11\n\t"
                     "call *%[code]"
                     : "=t"(found)
                     : [called] "b"(&called), [code] "r"(epy_loader_error_value)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    EXPECT_EQ(found, wanted);
}

TEST(ErrorValue, ClearsAStructInMemory) {
    record called = with_error(result_class::memory, 0, 0);
    called.error_size = 24;
    unsigned char memory[32];
    std::memset(memory, 0xee, sizeof memory);
    const registers found = error_value(called, memory);
    EXPECT_EQ(found.rax, reinterpret_cast<std::uintptr_t>(memory));
    for (std::size_t i = 0; i < sizeof memory; ++i) {
        EXPECT_EQ(memory[i], i < called.error_size ? 0 : 0xee) << i;
    }
}

} // namespace

} // namespace epy
