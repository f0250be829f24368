#include "loader/bootstrap/objects.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bitset>
#include <cstring>

#include "stub/tables.h"

namespace epy {

loaded_object::loaded_object(const dl_phdr_info &info) noexcept
    : name_(info.dlpi_name == nullptr ? "" : info.dlpi_name), base_(info.dlpi_addr),
      segments_(info.dlpi_phdr), segment_count_(info.dlpi_phnum) {
    for (unsigned i = 0; i < segment_count_; ++i) {
        if (segments_[i].p_type == PT_DYNAMIC) {
            dynamic_ = reinterpret_cast<const ElfW(Dyn) *>(base_ + segments_[i].p_vaddr);
        }
    }
    symbols_ = table<ElfW(Sym)>(DT_SYMTAB);
    strings_ = table<char>(DT_STRTAB);
}

const ElfW(Phdr) * loaded_object::segment_of(const void *address) const noexcept {
    const auto wanted = reinterpret_cast<std::uintptr_t>(address);
    for (unsigned i = 0; i < segment_count_; ++i) {
        const std::uintptr_t first = base_ + segments_[i].p_vaddr;
        if (segments_[i].p_type == PT_LOAD && wanted >= first &&
            wanted < first + segments_[i].p_memsz) {
            return &segments_[i];
        }
    }
    return nullptr;
}

bool loaded_object::contains(const void *address) const noexcept {
    return segment_of(address) != nullptr;
}

const ElfW(Dyn) * loaded_object::entry(std::int64_t tag) const noexcept {
    for (const auto *one = dynamic_; one != nullptr && one->d_tag != DT_NULL; ++one) {
        if (one->d_tag == tag) {
            return one;
        }
    }
    return nullptr;
}

// What the dynamic section says is a link-time address, which glibc replaces by the address in the
// process and musl, and glibc for the kernel's own object, does not.
template <typename Item> const Item *loaded_object::table(std::int64_t tag) const noexcept {
    const auto *found = entry(tag);
    if (found == nullptr) {
        return nullptr;
    }
    const auto *place = reinterpret_cast<const Item *>(found->d_un.d_ptr);
    return contains(place) ? place : reinterpret_cast<const Item *>(base_ + found->d_un.d_ptr);
}

const void *loaded_object::first_code() const noexcept { return table<void *>(DT_INIT); }

const ElfW(Sym) * loaded_object::defined(std::uint32_t index, const char *symbol) const noexcept {
    const ElfW(Sym) &one = symbols_[index];
    return one.st_shndx != SHN_UNDEF && std::strcmp(strings_ + one.st_name, symbol) == 0 ? &one
                                                                                         : nullptr;
}

// { buckets, first hashed symbol, words of the filter, shift }, filter, buckets, chains: of each
// hashed symbol its hash, with the lowest bit set in the last one of a bucket.
const ElfW(Sym) * loaded_object::find_by_gnu_hash(const std::uint32_t *table,
                                                  const char *symbol) const noexcept {
    std::uint32_t hash = 5381;
    for (const char *place = symbol; *place != '\0'; ++place) {
        hash = hash * 33 + static_cast<unsigned char>(*place);
    }
    const std::uint32_t bucket_count = table[0];
    const std::uint32_t first = table[1];
    if (bucket_count == 0 || table[2] == 0) {
        return nullptr;
    }
    const auto *filter = reinterpret_cast<const std::uint64_t *>(table + 4);
    const std::uint64_t word = filter[hash / 64 % table[2]];
    if ((word >> hash % 64 & word >> (hash >> table[3]) % 64 & 1U) == 0) {
        return nullptr;
    }
    const auto *buckets = reinterpret_cast<const std::uint32_t *>(filter + table[2]);
    const std::uint32_t *chains = buckets + bucket_count;
    std::uint32_t index = buckets[hash % bucket_count];
    if (index < first) {
        return nullptr;
    }
    for (;; ++index) {
        const std::uint32_t other = chains[index - first];
        if ((other | 1U) == (hash | 1U)) {
            if (const auto *found = defined(index, symbol); found != nullptr) {
                return found;
            }
        }
        if ((other & 1U) != 0) {
            return nullptr;
        }
    }
}

// { buckets, chains }, buckets, chains: of each symbol the next one, 0 at the end.
const ElfW(Sym) * loaded_object::find_by_hash(const std::uint32_t *table,
                                              const char *symbol) const noexcept {
    const std::uint32_t *buckets = table + 2;
    std::uint32_t index = table[0] == 0 ? 0 : buckets[elf_hash(symbol) % table[0]];
    for (; index != 0; index = buckets[table[0] + index]) {
        if (const auto *found = defined(index, symbol); found != nullptr) {
            return found;
        }
    }
    return nullptr;
}

const ElfW(Sym) * loaded_object::find_symbol(const char *symbol) const noexcept {
    if (symbols_ == nullptr || strings_ == nullptr) {
        return nullptr;
    }
    if (const auto *gnu = table<std::uint32_t>(DT_GNU_HASH); gnu != nullptr) {
        return find_by_gnu_hash(gnu, symbol);
    }
    const auto *hash = table<std::uint32_t>(DT_HASH);
    return hash == nullptr ? nullptr : find_by_hash(hash, symbol);
}

void *loaded_object::find(const char *symbol) const noexcept {
    const auto *found = find_symbol(symbol);
    return found == nullptr ? nullptr : reinterpret_cast<void *>(base_ + found->st_value);
}

loaded_object::relocation_table loaded_object::relocations(std::int64_t table_tag,
                                                           std::int64_t size_tag) const noexcept {
    const auto *first = table<ElfW(Rela)>(table_tag);
    const auto *size = entry(size_tag);
    if (first == nullptr || size == nullptr || symbols_ == nullptr || strings_ == nullptr) {
        return {nullptr, nullptr};
    }
    return {first, first + size->d_un.d_val / sizeof *first};
}

// The RELATIVE ones, which are most, come first, and are counted.
loaded_object::relocation_table loaded_object::relocations() const noexcept {
    relocation_table all = relocations(DT_RELA, DT_RELASZ);
    const auto *relative = entry(DT_RELACOUNT);
    if (all.begin != nullptr && relative != nullptr) {
        all.begin += relative->d_un.d_val;
    }
    return all;
}

loaded_object::relocation_table loaded_object::function_relocations() const noexcept {
    return relocations(DT_JMPREL, DT_PLTRELSZ);
}

// They are applied in order. So the last one that cannot leave a zero behind tells.
bool loaded_object::is_relocated() const noexcept {
    const auto [begin, end] = relocations();
    for (const ElfW(Rela) *one = end; one != begin;) {
        --one;
        const std::uint64_t type = ELF64_R_TYPE(one->r_info);
        if ((type == R_X86_64_GLOB_DAT || type == R_X86_64_64) &&
            symbols_[ELF64_R_SYM(one->r_info)].st_shndx != SHN_UNDEF) {
            return bound_word(reinterpret_cast<const void *>(base_ + one->r_offset)) != 0;
        }
    }
    return true;
}

void *loaded_object::find_copy(const char *symbol) const noexcept {
    const auto [begin, end] = relocations();
    for (const ElfW(Rela) *one = begin; one != end; ++one) {
        if (ELF64_R_TYPE(one->r_info) == R_X86_64_COPY &&
            std::strcmp(strings_ + symbols_[ELF64_R_SYM(one->r_info)].st_name, symbol) == 0) {
            return reinterpret_cast<void *>(base_ + one->r_offset);
        }
    }
    return nullptr;
}

const char *loaded_object::needs(std::string_view beginning) const noexcept {
    for (const auto *one = dynamic_; one != nullptr && one->d_tag != DT_NULL; ++one) {
        if (one->d_tag == DT_NEEDED && strings_ != nullptr &&
            std::string_view(strings_ + one->d_un.d_val).starts_with(beginning)) {
            return strings_ + one->d_un.d_val;
        }
    }
    return nullptr;
}

// What the dynamic linker has made read-only after it wrote there is so again afterwards.
void loaded_object::write_protected(void **place, void *value) const noexcept {
    const auto size = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(place) & ~(size - 1);
    bool read_only = false;
    for (unsigned i = 0; i < segment_count_; ++i) {
        const std::uintptr_t first = base_ + segments_[i].p_vaddr;
        read_only |= segments_[i].p_type == PT_GNU_RELRO && page >= (first & ~(size - 1)) &&
                     page < ((first + segments_[i].p_memsz) & ~(size - 1));
    }
    if (read_only && mprotect(reinterpret_cast<void *>(page), size, PROT_READ | PROT_WRITE) != 0) {
        return; // forbidden in this process
    }
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
    if (read_only) {
        mprotect(reinterpret_cast<void *>(page), size, PROT_READ);
    }
}

namespace {

// A number for the first two letters of a name. A start looks at thousands of names, of which few
// begin like one that is replaced.
unsigned char beginning(const char *name) noexcept {
    return static_cast<unsigned char>(*name == '\0' ? 0 : name[0] ^ (name[1] << 3));
}

} // namespace

// Of names that the object defines itself, or of others.
void loaded_object::replace_in(relocation_table relocations, bool is_own,
                               std::span<const import_replacement> replacements) const noexcept {
    std::bitset<256> beginnings;
    for (const import_replacement &replacement : replacements) {
        beginnings.set(beginning(replacement.name));
    }
    for (const ElfW(Rela) *one = relocations.begin; one != relocations.end; ++one) {
        const std::uint64_t type = ELF64_R_TYPE(one->r_info);
        if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) { // most, in a libpython
            continue;
        }
        const ElfW(Sym) &symbol = symbols_[ELF64_R_SYM(one->r_info)];
        if ((symbol.st_shndx != SHN_UNDEF) != is_own) {
            continue;
        }
        const char *name = strings_ + symbol.st_name;
        if (!beginnings[beginning(name)]) {
            continue;
        }
        for (const import_replacement &replacement : replacements) {
            if (std::strcmp(name, replacement.name) == 0) {
                write_protected(reinterpret_cast<void **>(base_ + one->r_offset),
                                replacement.function);
            }
        }
    }
}

void loaded_object::replace_imports(
    std::span<const import_replacement> replacements) const noexcept {
    replace_in(relocations(), false, replacements);
    replace_in(function_relocations(), false, replacements);
}

void loaded_object::bind_own_calls(std::span<const import_replacement> functions) const noexcept {
    replace_in(function_relocations(), true, functions);
}

} // namespace epy
