// The objects (executable and libraries) that make up this process, without the dynamic loader's
// lock: whoever holds that lock may be waiting, in a constructor, for what the caller holds (the
// GIL). So nothing here calls dlopen or dlsym; what is found is read from the objects' own tables,
// while no object can be mapped or unmapped.
#pragma once

#include <link.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace epy {

struct import_replacement {
    const char *name;
    void *function;
};

// What a slot of any object holds; it may lie in a guard zone of an instrumented one's.
[[gnu::no_sanitize("address")]] inline std::uintptr_t bound_word(const void *slot) noexcept {
    return __atomic_load_n(static_cast<const std::uintptr_t *>(slot), __ATOMIC_ACQUIRE);
}

class loaded_object {
public:
    explicit loaded_object(const dl_phdr_info &) noexcept;

    [[nodiscard]] const char *name() const noexcept { return name_; } // empty: the executable
    [[nodiscard]] bool contains(const void *address) const noexcept;
    // What the object itself defines under this name, or null.
    [[nodiscard]] void *find(const char *symbol) const noexcept;
    // Its entry in the object's symbol table.
    [[nodiscard]] const ElfW(Sym) * find_symbol(const char *symbol) const noexcept;
    // Whether its code can run: another thread may be in the middle of loading the object.
    [[nodiscard]] bool is_relocated() const noexcept;
    // The object's copy of the data of that name (R_X86_64_COPY), or null.
    [[nodiscard]] void *find_copy(const char *symbol) const noexcept;
    // Lets the object call other functions than those that the dynamic linker found for it.
    void replace_imports(std::span<const import_replacement> replacements) const noexcept;
    // Lets the object's own calls of its functions of these names lead to these.
    void bind_own_calls(std::span<const import_replacement> functions) const noexcept;
    // The segment that an address lies in, or null.
    [[nodiscard]] const ElfW(Phdr) * segment_of(const void *address) const noexcept;
    // The code of the object's that is linked first, or null.
    [[nodiscard]] const void *first_code() const noexcept;
    // A library whose name begins so and that it asks the dynamic loader for, or null.
    [[nodiscard]] const char *needs(std::string_view beginning) const noexcept;

    // Stores a word that the dynamic linker has written, also if that was for the last time.
    void write_protected(void **place, void *value) const noexcept;

    // Calls `visit` with each word that may hold the address of a function.
    template <typename Visit> void for_each_slot(Visit visit) const {
        for (const auto &[begin, end] : {relocations(), function_relocations()}) {
            for (const ElfW(Rela) *one = begin; one != end; ++one) {
                const std::uint64_t type = ELF64_R_TYPE(one->r_info);
                if (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT ||
                    type == R_X86_64_64) {
                    visit(reinterpret_cast<void **>(base_ + one->r_offset));
                }
            }
        }
    }

private:
    struct relocation_table {
        const ElfW(Rela) * begin;
        const ElfW(Rela) * end;
    };
    [[nodiscard]] relocation_table relocations() const noexcept; // but for RELATIVE ones
    [[nodiscard]] relocation_table function_relocations() const noexcept;
    [[nodiscard]] relocation_table relocations(std::int64_t table,
                                               std::int64_t size) const noexcept;
    void replace_in(relocation_table relocations, bool is_own,
                    std::span<const import_replacement> replacements) const noexcept;
    template <typename Item> const Item *table(std::int64_t tag) const noexcept;
    [[nodiscard]] const ElfW(Dyn) * entry(std::int64_t tag) const noexcept;
    [[nodiscard]] const ElfW(Sym) * defined(std::uint32_t index, const char *symbol) const noexcept;
    [[nodiscard]] const ElfW(Sym) *
        find_by_gnu_hash(const std::uint32_t *table, const char *symbol) const noexcept;
    [[nodiscard]] const ElfW(Sym) *
        find_by_hash(const std::uint32_t *table, const char *symbol) const noexcept;

    const char *name_;
    std::uintptr_t base_;
    const ElfW(Phdr) * segments_;
    unsigned segment_count_;
    const ElfW(Dyn) *dynamic_ = nullptr; // null: it has none
    const ElfW(Sym) *symbols_ = nullptr;
    const char *strings_ = nullptr;
};

// Calls `visit` with each object in load order, the executable first, until it returns false.
template <typename Visit> void for_each_object(Visit visit) {
    dl_iterate_phdr(
        [](dl_phdr_info *info, std::size_t, void *argument) {
            return (*static_cast<Visit *>(argument))(loaded_object(*info)) ? 0 : 1;
        },
        &visit);
}

} // namespace epy
