#include "stub/image.h"

#include <cstring>

namespace epy {

const char *describe(status what) noexcept {
    switch (what) {
    case status::ok:
        return "no error";
    case status::truncated:
        return "the file is truncated; build the plugin again with 'epy build'";
    case status::damaged:
        return "is damaged; build it again with 'epy build'";
    case status::not_elf:
        return "not an ELF shared object; name a plugin that 'epy build' made";
    case status::other_machine:
        return "made for another machine; build the plugin again on this one";
    case status::no_stub:
        return "not an epy plugin; name a plugin that 'epy build' made";
    case status::other_contract:
        return "made by another version of epy; build the plugin again with 'epy build'";
    case status::moved:
        return "its tables were moved (by patchelf?); build the plugin again and leave it as it is";
    case status::bad_name:
        return "a name is empty or too long; use a shorter one";
    case status::duplicate:
        return "the name is exported already; use another one";
    case status::no_symbols_left:
        return "no room for another name; export fewer names, or split the script into two plugins";
    case status::no_strings_left:
        return "no room for the names' characters; use shorter names, or split the script into two "
               "plugins";
    case status::no_versions_left:
        return "no room for another symbol version; use fewer, or split the script into two "
               "plugins";
    }
    return "unknown error";
}

unsigned image::segments() const noexcept {
    return reinterpret_cast<const Elf64_Ehdr *>(bytes_)->e_phnum;
}

// The header may name a table at the file's end, so that a file which was cut short has none: what
// is mapped is the copy that lies behind the header in every plugin.
const Elf64_Phdr *image::segment(unsigned index) const noexcept {
    const auto *header = reinterpret_cast<const Elf64_Ehdr *>(bytes_);
    const std::uint64_t place = file_ ? header->e_phoff : sizeof *header;
    return reinterpret_cast<const Elf64_Phdr *>(bytes_ + place) + index;
}

status image::check() const noexcept {
    if (file_ && size_ < sizeof(Elf64_Ehdr)) {
        return size_ >= SELFMAG && std::memcmp(bytes_, ELFMAG, SELFMAG) == 0 ? status::truncated
                                                                             : status::not_elf;
    }
    const auto *header = reinterpret_cast<const Elf64_Ehdr *>(bytes_);
    if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return status::not_elf;
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64) {
        return status::other_machine;
    }
    if (header->e_type != ET_DYN || header->e_phentsize != sizeof(Elf64_Phdr) ||
        header->e_phoff % alignof(Elf64_Phdr) != 0) {
        return status::not_elf;
    }
    if (!file_) {
        return status::ok;
    }
    const std::uint64_t table = std::uint64_t{header->e_phnum} * sizeof(Elf64_Phdr);
    if (header->e_phoff > size_ || table > size_ - header->e_phoff) {
        return status::truncated;
    }
    for (unsigned i = 0; i < segments(); ++i) {
        const Elf64_Phdr *one = segment(i);
        if (one->p_type == PT_LOAD &&
            (one->p_offset > size_ || one->p_filesz > size_ - one->p_offset)) {
            return status::truncated;
        }
    }
    const std::uint64_t sections = std::uint64_t{header->e_shnum} * sizeof(Elf64_Shdr);
    if (header->e_shoff > size_ || sections > size_ - header->e_shoff) {
        return status::truncated;
    }
    return status::ok;
}

bool image::holds(std::uint64_t address, std::uint64_t size, unsigned flags) const noexcept {
    bool found = false;
    for (unsigned i = 0; i < segments(); ++i) {
        const Elf64_Phdr *one = segment(i);
        const std::uint64_t end = one->p_vaddr + one->p_memsz;
        if (one->p_type == PT_LOAD && address >= one->p_vaddr && address <= end &&
            size <= end - address && (one->p_flags & flags) == flags) {
            found = true;
        }
        const bool is_touched = address < end && one->p_vaddr < address + size;
        if (one->p_type == PT_GNU_RELRO && is_touched && (flags & PF_W) != 0) {
            return false;
        }
    }
    return found;
}

// The first byte at the address, and how many there are from there in its segment: none at its end.
// Null if it is in no segment.
std::byte *image::locate(std::uint64_t address, std::uint64_t &room) const noexcept {
    std::byte *end = nullptr;
    room = 0;
    for (unsigned i = 0; i < segments(); ++i) {
        const Elf64_Phdr *one = segment(i);
        if (one->p_type != PT_LOAD || address < one->p_vaddr) {
            continue;
        }
        const std::uint64_t distance = address - one->p_vaddr;
        const std::uint64_t extent = file_ ? one->p_filesz : one->p_memsz;
        if (distance <= extent) {
            end = bytes_ + (file_ ? one->p_offset + distance : address);
        }
        if (distance < extent) { // otherwise another segment may begin here
            room = extent - distance;
            return end;
        }
    }
    return end;
}

void *image::at(std::uint64_t address, std::uint64_t size) const noexcept {
    std::uint64_t room = 0;
    std::byte *found = locate(address, room);
    return found != nullptr && size <= room ? found : nullptr;
}

const char *image::text(std::uint64_t address) const noexcept {
    std::uint64_t room = 0;
    const auto *found = reinterpret_cast<const char *>(locate(address, room));
    return found != nullptr && strnlen(found, room) < room ? found : nullptr;
}

stub_info *image::find_info() const noexcept {
    constexpr std::size_t alignment = 64; // of .epy.info
    for (unsigned i = 0; i < segments(); ++i) {
        const Elf64_Phdr *one = segment(i);
        if (one->p_type != PT_LOAD || (one->p_flags & PF_W) == 0) {
            continue;
        }
        const std::uint64_t first = (one->p_vaddr + alignment - 1) / alignment * alignment;
        for (std::uint64_t address = first;; address += alignment) {
            auto *info = items<stub_info>(address, 1);
            if (info == nullptr || address - one->p_vaddr >= one->p_filesz) {
                break;
            }
            if (std::memcmp(info->magic, stub_magic, sizeof stub_magic) == 0 &&
                (info->self == address || (info->flags & stub_sealed) == 0)) {
                return info;
            }
        }
    }
    return nullptr;
}

Elf64_Dyn *image::dynamic_table(std::uint64_t &count) const noexcept {
    for (unsigned i = 0; i < segments(); ++i) {
        const Elf64_Phdr *one = segment(i);
        if (one->p_type == PT_DYNAMIC) {
            count = one->p_memsz / sizeof(Elf64_Dyn);
            auto *entries = items<Elf64_Dyn>(one->p_vaddr, count);
            count = entries == nullptr ? 0 : count;
            return entries;
        }
    }
    count = 0;
    return nullptr;
}

Elf64_Dyn *image::dynamic(std::int64_t tag) const noexcept {
    std::uint64_t count = 0;
    Elf64_Dyn *entries = dynamic_table(count);
    for (std::uint64_t k = 0; k < count; ++k) {
        if (entries[k].d_tag == tag) {
            return &entries[k];
        }
        if (entries[k].d_tag == DT_NULL) {
            break;
        }
    }
    return nullptr;
}

Elf64_Dyn *image::add_dynamic(std::int64_t tag) const noexcept {
    std::uint64_t count = 0;
    Elf64_Dyn *entries = dynamic_table(count);
    for (std::uint64_t k = 0; k + 1 < count; ++k) { // the last one ends the table
        if (entries[k].d_tag == DT_NULL) {
            entries[k].d_tag = tag;
        }
        if (entries[k].d_tag == tag) {
            return &entries[k];
        }
    }
    return nullptr;
}

bool image::means(const Elf64_Dyn &entry, std::uint64_t address) const noexcept {
    const std::uint64_t value = entry.d_un.d_ptr;
    return value == address ||
           (!file_ && value == reinterpret_cast<std::uintptr_t>(bytes_) + address);
}

} // namespace epy
