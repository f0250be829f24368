#include "stub/tables.h"

#include <cstring>

#include "stub/integrity.h"

namespace epy {

namespace {

bool points_to(const image &of, std::int64_t tag, std::uint64_t address) {
    const Elf64_Dyn *entry = of.dynamic(tag);
    return entry != nullptr && of.means(*entry, address);
}

} // namespace

std::uint32_t elf_hash(const char *name) noexcept {
    std::uint32_t hash = 0;
    for (; *name != '\0'; ++name) {
        hash = (hash << 4U) + static_cast<unsigned char>(*name);
        const std::uint32_t high = hash & 0xf0000000U;
        hash ^= high >> 24U;
        hash &= ~high;
    }
    return hash;
}

status tables::open(const image &of, stub_info *info, tables &found) noexcept {
    if (const status bad = of.check(); bad != status::ok) {
        return bad;
    }
    if (info == nullptr) {
        return status::no_stub;
    }
    if (info->contract < oldest_contract_version || info->contract > contract_version ||
        (info->flags & stub_sealed) == 0) {
        return status::other_contract;
    }
    if (const status bad = check_places(of, *info); bad != status::ok) {
        return bad;
    }
    found.info_ = info;
    const std::uint64_t symbols = info->symbols.size / sizeof(Elf64_Sym);
    found.symbol_capacity_ = static_cast<std::uint32_t>(symbols);
    found.string_capacity_ = static_cast<std::uint32_t>(info->strings.size);
    found.symbols_ = of.items<Elf64_Sym>(info->symbols.address, symbols);
    found.strings_ = of.items<char>(info->strings.address, info->strings.size);
    found.hash_ = of.items<std::uint32_t>(info->hash.address, info->hash.size / 4);
    found.versions_ = of.items<std::uint16_t>(info->versions.address, info->versions.size / 2);
    const std::uint64_t definitions = info->definitions.size / sizeof(version_definition);
    found.definition_capacity_ = static_cast<std::uint32_t>(definitions);
    found.definitions_ = of.items<version_definition>(info->definitions.address, definitions);
    if (found.symbols_ == nullptr || found.strings_ == nullptr || found.hash_ == nullptr ||
        found.versions_ == nullptr || info->hash.size < 8 || found.definitions_ == nullptr ||
        info->versions.size / 2 < found.symbol_capacity_ ||
        info->symbols_used > found.symbol_capacity_ ||
        info->strings_used > found.string_capacity_) {
        return status::damaged;
    }
    found.bucket_count_ = found.hash_[0];
    if (found.bucket_count_ == 0 ||
        info->hash.size / 4 < 2 + std::uint64_t{found.bucket_count_} + found.symbol_capacity_) {
        return status::damaged;
    }
    // A tool that moved a table left the copy that the dynamic loader no longer reads.
    if (!points_to(of, DT_SYMTAB, info->symbols.address) ||
        !points_to(of, DT_STRTAB, info->strings.address) ||
        !points_to(of, DT_HASH, info->hash.address) ||
        !points_to(of, DT_VERSYM, info->versions.address)) {
        return status::moved;
    }
    return status::ok;
}

const char *tables::text(std::uint32_t offset) const noexcept {
    if (offset >= string_capacity_) {
        return nullptr;
    }
    const std::size_t room = string_capacity_ - offset;
    return strnlen(strings_ + offset, room) < room ? strings_ + offset : nullptr;
}

bool tables::contains(const char *name) const noexcept {
    // Bounded by the number of symbols: bytes from a file may chain in a circle.
    std::uint32_t left = symbol_capacity_;
    for (std::uint32_t i = hash_[2 + elf_hash(name) % bucket_count_]; i != 0 && left > 0; --left) {
        if (i >= symbol_capacity_) {
            break;
        }
        const char *known = text(symbols_[i].st_name);
        if (known != nullptr && std::strcmp(known, name) == 0) {
            return true;
        }
        i = hash_[2 + bucket_count_ + i];
    }
    return false;
}

status tables::append_string(const char *text, std::uint32_t &offset) noexcept {
    const std::size_t length = std::strlen(text);
    if (length == 0) {
        return status::bad_name;
    }
    // Read once: bytes from a file may lay the strings over the very counters that they fill.
    const std::uint32_t used = info_->strings_used;
    if (used > string_capacity_ || length >= string_capacity_ - used) {
        return status::no_strings_left;
    }
    offset = used;
    std::memcpy(strings_ + used, text, length + 1);
    info_->strings_used = used + static_cast<std::uint32_t>(length + 1);
    return status::ok;
}

status tables::append(const symbol &added) noexcept {
    const std::uint32_t i = info_->symbols_used;
    if (i >= symbol_capacity_) {
        return status::no_symbols_left;
    }
    if (contains(added.name)) {
        return status::duplicate;
    }
    std::uint32_t name = 0;
    if (const status bad = append_string(added.name, name); bad != status::ok) {
        return bad;
    }
    info_->symbols_used = i + 1;
    symbols_[i].st_name = name;
    symbols_[i].st_info = ELF64_ST_INFO(STB_GLOBAL, added.is_data ? STT_OBJECT : STT_FUNC);
    symbols_[i].st_other = STV_DEFAULT;
    symbols_[i].st_shndx = added.section;
    symbols_[i].st_value = added.value;
    symbols_[i].st_size = added.size;
    versions_[i] = added.version;
    publish(i, added.name);
    return status::ok;
}

void tables::publish(std::uint32_t i, const char *name) noexcept {
    std::uint32_t *bucket = &hash_[2 + elf_hash(name) % bucket_count_];
    hash_[2 + bucket_count_ + i] = *bucket;
    __atomic_store_n(bucket, i, __ATOMIC_RELEASE);
}

status tables::define_version(const image &of, const char *name, std::uint16_t &number) noexcept {
    // Definition 0 is the library's own; the stub requires one version, which has number 2.
    std::uint32_t i = 0;
    for (; i < definition_capacity_ && definitions_[i].head.vd_version != 0; ++i) {
        const char *known = text(definitions_[i].name.vda_name);
        if (i > 0 && known != nullptr && std::strcmp(known, name) == 0) {
            number = definitions_[i].head.vd_ndx;
            return status::ok;
        }
    }
    if (i + (i == 0 ? 1 : 0) >= definition_capacity_) {
        return status::no_versions_left;
    }
    // Checked again after a write: bytes from a file may lay .dynamic over the very headers.
    Elf64_Dyn *soname = of.dynamic(DT_SONAME);
    Elf64_Dyn *place = of.add_dynamic(DT_VERDEF);
    Elf64_Dyn *count = of.check() == status::ok ? of.add_dynamic(DT_VERDEFNUM) : nullptr;
    if (soname == nullptr || place == nullptr || count == nullptr) {
        return status::truncated;
    }
    if (i == 0) {
        const auto own_name = static_cast<std::uint32_t>(soname->d_un.d_val);
        if (text(own_name) == nullptr) {
            return status::truncated;
        }
        define(i++, own_name, VER_FLG_BASE, VER_NDX_GLOBAL);
    }
    std::uint32_t offset = 0;
    if (const status bad = append_string(name, offset); bad != status::ok) {
        return bad;
    }
    number = static_cast<std::uint16_t>(VER_NDX_GLOBAL + 1 + i);
    define(i, offset, 0, number);
    place->d_un.d_ptr = info_->definitions.address;
    count->d_un.d_val = i + 1;
    return status::ok;
}

// Linux Standard Base, "Symbol Versioning": each definition says where the next one is.
void tables::define(std::uint32_t i, std::uint32_t name, std::uint16_t flags,
                    std::uint16_t number) noexcept {
    version_definition &added = definitions_[i];
    added.head = {VER_DEF_CURRENT,   flags, number, 1, elf_hash(strings_ + name),
                  sizeof added.head, 0};
    added.name = {name, 0};
    if (i > 0) {
        definitions_[i - 1].head.vd_next = sizeof added;
    }
}

status tables::set_soname(const image &of, const char *soname) noexcept {
    Elf64_Dyn *entry = of.dynamic(DT_SONAME);
    if (entry == nullptr) {
        return status::truncated;
    }
    std::uint32_t offset = 0;
    const status outcome = append_string(soname, offset);
    if (outcome == status::ok) {
        entry->d_un.d_val = offset;
    }
    return outcome;
}

void tables::reset() noexcept {
    hash_[0] = EPY_BUCKET_COUNT;
    // The number of chains is the number of symbols to the dynamic loader: all that may come.
    hash_[1] = symbol_capacity_;
    bucket_count_ = EPY_BUCKET_COUNT;
    for (std::uint32_t i = 0; i < info_->symbols_used; ++i) {
        versions_[i] = i == 0 ? VER_NDX_LOCAL : VER_NDX_GLOBAL;
        if (symbols_[i].st_shndx != SHN_UNDEF) {
            publish(i, text(symbols_[i].st_name));
        }
    }
}

const char *tables::name_of_slot(std::uint32_t index) const noexcept {
    const std::uint64_t address =
        info_->trampolines.address + std::uint64_t{index} * EPY_TRAMPOLINE_SIZE;
    for (std::uint32_t i = 0; i < info_->symbols_used && i < symbol_capacity_; ++i) {
        if (symbols_[i].st_value == address && symbols_[i].st_shndx != SHN_UNDEF) {
            return text(symbols_[i].st_name);
        }
    }
    return nullptr;
}

} // namespace epy
