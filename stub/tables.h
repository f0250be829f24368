// The one table writer: names into the dynamic symbol tables of a stub or plugin, whether its bytes
// are a file's (build time) or its image is mapped and other threads look names up in it (run
// time).
//
// It never reads or writes outside the image, whatever the bytes say.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>

#include "stub/stub.h"

namespace epy {

// Each is a mistake of the file or of the caller; `describe` gives one line with the remedy.
enum class status : int {
    ok,
    truncated,
    damaged,
    not_elf,
    other_machine,
    no_stub,
    other_contract,
    moved,
    bad_name,
    duplicate,
    no_symbols_left,
    no_strings_left,
    no_versions_left,
};

const char *describe(status) noexcept;

// An ELF64 image. Addresses are link-time ones.
class image {
public:
    static image of_file(void *bytes, std::size_t size) noexcept { return {bytes, size, true}; }
    static image of_mapped(void *load_address) noexcept { return {load_address, 0, false}; }

    // What the dynamic loader added to link-time addresses: 0 for a file.
    [[nodiscard]] std::uint64_t load_address() const noexcept {
        return file_ ? 0 : reinterpret_cast<std::uintptr_t>(bytes_);
    }
    [[nodiscard]] bool is_file() const noexcept { return file_; }

    // ELF64 little-endian x86-64 shared object with all headers in bounds.
    [[nodiscard]] status check() const noexcept;
    // Whether [address, address + size) is inside one segment that has these flags (PF_W, ...) once
    // it is mapped and relocated.
    [[nodiscard]] bool holds(std::uint64_t address, std::uint64_t size,
                             unsigned flags) const noexcept;
    // Null if [address, address + size) is not inside one loaded segment (for a file: its file
    // part).
    [[nodiscard]] void *at(std::uint64_t address, std::uint64_t size) const noexcept;
    // The same for an array. Null, too, if it is not aligned there: a segment's offset may not fit
    // its address.
    template <typename T>
    [[nodiscard]] T *items(std::uint64_t address, std::uint64_t count) const noexcept {
        void *place = count > UINT32_MAX ? nullptr : at(address, count * sizeof(T));
        return reinterpret_cast<std::uintptr_t>(place) % alignof(T) == 0 ? static_cast<T *>(place)
                                                                         : nullptr;
    }
    // The NUL-terminated text at an address, null if it does not end inside the image.
    [[nodiscard]] const char *text(std::uint64_t address) const noexcept;
    // A file's stub_info, found by its magic and its own address.
    [[nodiscard]] stub_info *find_info() const noexcept;
    // The entry of .dynamic with this tag, or null.
    [[nodiscard]] Elf64_Dyn *dynamic(std::int64_t tag) const noexcept;
    // The entry with this tag, added if there is none; null if no spare one is left.
    [[nodiscard]] Elf64_Dyn *add_dynamic(std::int64_t tag) const noexcept;
    // Whether a .dynamic entry means this address: in a mapped image it may have been relocated.
    [[nodiscard]] bool means(const Elf64_Dyn &entry, std::uint64_t address) const noexcept;

private:
    image(void *bytes, std::size_t size, bool file) noexcept
        : bytes_(static_cast<std::byte *>(bytes)), size_(size), file_(file) {}
    [[nodiscard]] Elf64_Dyn *dynamic_table(std::uint64_t &count) const noexcept;
    [[nodiscard]] const Elf64_Phdr *segment(unsigned index) const noexcept;
    [[nodiscard]] unsigned segments() const noexcept;
    [[nodiscard]] std::byte *locate(std::uint64_t address, std::uint64_t &room) const noexcept;

    std::byte *bytes_;
    std::size_t size_;
    bool file_;
};

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
