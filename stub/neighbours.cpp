#include "stub/neighbours.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

namespace epy {

// The stub_info tells by its magic and by saying where it lies itself.
stub_info *info_in(const dl_phdr_info &object) noexcept {
    for (unsigned i = 0; i < object.dlpi_phnum; ++i) {
        const ElfW(Phdr) &segment = object.dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0) {
            continue;
        }
        const std::uint64_t first = (segment.p_vaddr + 7) / 8 * 8;
        const std::uint64_t end = segment.p_vaddr + segment.p_filesz;
        for (std::uint64_t at = first; at + sizeof(stub_info) <= end; at += 8) {
            auto *info = reinterpret_cast<stub_info *>(object.dlpi_addr + at);
            if (memcmp(info->magic, stub_magic, sizeof info->magic) == 0 && info->self == at) {
                return info;
            }
        }
    }
    return nullptr;
}

bool has_plugin_tables(const dl_phdr_info &object) noexcept {
    bool found = false;
    for (unsigned i = 0; i < object.dlpi_phnum; ++i) {
        if (object.dlpi_phdr[i].p_type != PT_DYNAMIC) {
            continue;
        }
        const auto *entry =
            reinterpret_cast<const ElfW(Dyn) *>(object.dlpi_addr + object.dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; ++entry) {
            if (entry->d_tag == DT_GNU_HASH) {
                return false;
            }
            found = found || entry->d_tag == DT_HASH;
        }
    }
    return found;
}

bool find_newer_plugin(std::uint32_t contract, char (&path)[4096]) noexcept {
    struct search {
        std::uint32_t contract;
        char *path;
        bool found;
    } now{contract, path, false};
    dl_iterate_phdr(
        [](dl_phdr_info *object, std::size_t, void *argument) {
            auto &newest = *static_cast<search *>(argument);
            const stub_info *info = has_plugin_tables(*object) ? info_in(*object) : nullptr;
            if (info != nullptr && info->contract > newest.contract &&
                static_cast<std::size_t>(
                    snprintf(newest.path, sizeof path, "%s", object->dlpi_name)) < sizeof path) {
                newest.contract = info->contract;
                newest.found = true;
            }
            return 0;
        },
        &now);
    return now.found;
}

} // namespace epy
