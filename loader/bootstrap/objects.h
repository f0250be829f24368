// The objects (executable and libraries) that make up this process, without the dynamic loader's
// lock: whoever holds that lock may be waiting, in a constructor, for what the caller holds (the
// GIL). So nothing here calls dlopen or dlsym; what is found is read from the objects' own tables,
// while no object can be mapped or unmapped.
#pragma once

#include <link.h>

#include <cstdint>
#include <span>
#include <string>

namespace epy {

struct import_replacement {
    const char *name;
    void *function;
};

class loaded_object {
public:
    explicit loaded_object(const dl_phdr_info &) noexcept;

    [[nodiscard]] const char *name() const noexcept { return name_; } // empty: the executable
    [[nodiscard]] bool contains(const void *address) const noexcept;
    // What the object itself defines under this name, or null.
    [[nodiscard]] void *find(const char *symbol) const noexcept;
    // Whether its code can run: another thread may be in the middle of loading the object.
    [[nodiscard]] bool is_relocated() const noexcept;
    // The object's copy of the data of that name (R_X86_64_COPY), or null.
    [[nodiscard]] void *find_copy(const char *symbol) const noexcept;
    // Lets the object call other functions than those that the dynamic linker found for it.
    void replace_imports(std::span<const import_replacement> replacements) const noexcept;

private:
    struct relocation_table {
        const ElfW(Rela) * begin;
        const ElfW(Rela) * end;
    };
    [[nodiscard]] relocation_table relocations() const noexcept;
    [[nodiscard]] relocation_table function_relocations() const noexcept;
    [[nodiscard]] relocation_table relocations(std::int64_t table,
                                               std::int64_t size) const noexcept;
    void replace_imports(relocation_table relocations,
                         std::span<const import_replacement> replacements) const noexcept;
    void write_protected(void **place, void *value) const noexcept;
    template <typename Item> const Item *table(std::int64_t tag) const noexcept;
    [[nodiscard]] const ElfW(Dyn) * entry(std::int64_t tag) const noexcept;
    [[nodiscard]] void *defined(std::uint32_t index, const char *symbol) const noexcept;
    [[nodiscard]] void *find_by_gnu_hash(const std::uint32_t *table,
                                         const char *symbol) const noexcept;
    [[nodiscard]] void *find_by_hash(const std::uint32_t *table, const char *symbol) const noexcept;

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
