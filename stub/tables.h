// The one table writer: names into the dynamic symbol tables of a stub or plugin, whether its bytes
// are a file's (build time) or its image is mapped and other threads look names up in it (run
// time).
//
// It never reads or writes outside the image, whatever the bytes say.
#pragma once

#include <elf.h>

#include <cstdint>

#include "stub/image.h"

namespace epy {

struct symbol {
    const char *name;
    std::uint64_t value; // link-time address; for data elsewhere in the process it may wrap around
    std::uint64_t size;
    bool is_data;
    std::uint16_t section;                  // any that is neither 0 nor SHN_ABS
    std::uint16_t version = VER_NDX_GLOBAL; // from define_version()
};

// A symbol version and its one name; they lie one behind the other.
struct version_definition {
    Elf64_Verdef head;
    Elf64_Verdaux name;
};
static_assert(sizeof(version_definition) == sizeof(Elf64_Verdef) + sizeof(Elf64_Verdaux));

class tables {
public:
    // Finds the tables where `info` says, and checks that .dynamic agrees.
    [[nodiscard]] static status open(const image &, stub_info *info, tables &) noexcept;

    [[nodiscard]] bool contains(const char *name) const noexcept;
    // Readers in other threads see either nothing or the whole symbol. One writer at a time.
    [[nodiscard]] status append(const symbol &) noexcept;
    // The number of a symbol version, defined if it is not yet. Build time only, once the soname
    // is set: the first definition is that of the library itself.
    [[nodiscard]] status define_version(const image &, const char *name,
                                        std::uint16_t &number) noexcept;
    // DT_SONAME. Build time only.
    [[nodiscard]] status set_soname(const image &, const char *soname) noexcept;
    // Fill an empty reserve with the linker's own symbols and strings. `seal` only.
    void reset() noexcept;

    [[nodiscard]] stub_info &info() noexcept { return *info_; }
    // The name of the function whose trampoline belongs to slot `index`, or null.
    [[nodiscard]] const char *name_of_slot(std::uint32_t index) const noexcept;

private:
    // The string at `offset`, null if it does not end inside the table.
    [[nodiscard]] const char *text(std::uint32_t offset) const noexcept;
    void define(std::uint32_t index, std::uint32_t name, std::uint16_t flags,
                std::uint16_t number) noexcept;
    // From here on look-ups find symbol `i`.
    void publish(std::uint32_t i, const char *name) noexcept;
    [[nodiscard]] status append_string(const char *text, std::uint32_t &offset) noexcept;

    stub_info *info_ = nullptr;
    Elf64_Sym *symbols_ = nullptr;
    char *strings_ = nullptr;
    std::uint32_t *hash_ = nullptr;
    std::uint16_t *versions_ = nullptr;
    version_definition *definitions_ = nullptr;
    std::uint32_t symbol_capacity_ = 0;
    std::uint32_t string_capacity_ = 0;
    std::uint32_t bucket_count_ = 0;
    std::uint32_t definition_capacity_ = 0;
};

// gABI chapter 5, "Hash Table".
std::uint32_t elf_hash(const char *name) noexcept;

} // namespace epy
