// An ELF image: a file's bytes, or where it is mapped. Nothing outside of it is ever read or
// written, whatever the bytes say.
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

} // namespace epy
